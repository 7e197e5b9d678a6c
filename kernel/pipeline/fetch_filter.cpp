#include "pipeline/fetch_filter.h"

#include <fmt/format.h>
#include <ion/repeat.h>

#include <utility>

namespace ion::pipeline {

namespace {

struct Filtering {
  const FilterServices services;
  BatchInFlight about;
  Later later;
  Outcome fetched;
  std::vector<ion_buf> rest;   // of `fetched`, not yet asked about
  std::vector<ion_buf> batch;  // the one being asked about
  Bufs kept;

  // Cuts the next batch off `rest`. CORRUPT where no whole one begins.
  Result<batch::Header> next() {
    const uint64_t have = bytes_in(rest);
    uint8_t raw[batch::kHeaderBytes];
    if (have < batch::kHeaderBytes) return Status(ION_E_CORRUPT, "the log answered " + std::to_string(have) + " bytes where a batch should begin");
    copy_out(rest, 0, sizeof raw, raw);
    const batch::Header h = batch::read_header(raw);
    if (h.length < static_cast<int32_t>(batch::kHeaderBytes - batch::kLengthEnd) || h.total_bytes() > have)
      return Status(ION_E_CORRUPT, "the log answered a batch of " + std::to_string(int64_t{h.length} + 12) + " bytes, " + std::to_string(have) + " are there");
    batch.clear();
    size_t used = 0;
    for (uint64_t left = h.total_bytes(); left != 0;) {
      ion_buf& part = rest[used];
      ion_buf& taken = batch.emplace_back(part);
      taken.n = std::min(part.n, left);
      part.p += taken.n, part.n -= taken.n, left -= taken.n;
      if (part.n == 0) ++used;
    }
    rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(used));
    return h;
  }
  void keep_as_it_is() {
    for (const ion_buf& part : batch) {
      // Neighbours of one buffer leave as one.
      if (!kept.empty() && kept.back().raw().owner == part.owner && part.owner != nullptr && kept.back().data() + kept.back().size() == part.p)
        kept.back().trim_to(kept.back().size() + part.n);
      else
        kept.push_back(Buf::share(part));
    }
  }
};

using FilteringPtr = std::shared_ptr<Filtering>;  // shared with interceptors that answer later

// Asks about the batch that was cut off; `again` goes on with the next one.
template <class Again>
void ask(const FilteringPtr& all, const batch::Header& header, Buf opened, const std::shared_ptr<Admitted>& admitted, Again again) {
  BatchInFlight one = all->about.sibling();
  one.header = header;
  one.parts = all->batch;
  one.opened = std::move(opened);
  const RunOptions options{Hook::kFetch, [admitted](uint64_t bytes) { return admitted->grow(bytes); }};
  all->services.chain.run(options, std::move(one), [all, again, header](ChainResult result) mutable {
    if (result.kind == ChainResult::Kind::kRejected) {
      // What comes before it is given; whoever goes on there hears why, and where to go on behind it.
      if (!all->kept.empty()) return all->later.ok(all->fetched.u0, static_cast<uint64_t>(header.base_offset.v), all->kept);
      return all->later.fail(Status(result.why.code(), fmt::format("offsets {} to {}: {}", header.base_offset.v, header.next_offset().v - 1, result.why.message()), result.why.reason()));
    }
    if (result.replaced.empty()) return all->keep_as_it_is(), again();
    Result<std::vector<uint8_t>> closed = all->services.codecs.close(std::move(result.replaced), header);
    if (!closed) return all->later.fail(closed.error());
    all->kept.push_back(Buf::copy(*closed));
    again();
  });
}

}  // namespace

void filter_fetched(const FilterServices& services, BatchInFlight about, const ion_result& fetched, Later later) {
  auto all = std::make_shared<Filtering>(Filtering{services, std::move(about), std::move(later), Outcome::from(fetched), {}, {}, {}});
  for (const Buf& b : all->fetched.bufs)
    if (!b.empty()) all->rest.push_back(b.raw());
  repeat([all](auto again) {
    if (all->rest.empty()) return all->later.ok(all->fetched.u0, all->fetched.u1, all->kept);
    const Result<batch::Header> header = all->next();
    if (!header) return all->later.fail(header.error());
    if ((header->attributes & batch::kControl) != 0) return all->keep_as_it_is(), again();
    const auto admitted = std::make_shared<Admitted>(all->services.admission, 0);  // shared: it lives as long as the run
    if (header->codec() == 0 || !all->services.chain.needs_records(Hook::kFetch)) return ask(all, *header, {}, admitted, again);
    const Status posted = all->services.opening.post([all, header = *header, admitted, again] {
      Result<Buf> opened = all->services.codecs.open_stored(all->batch, header, [&](uint64_t bytes) { return admitted->grow(bytes); });
      if (!opened) return all->later.fail(opened.error());
      ask(all, header, *std::move(opened), admitted, again);
    });
    if (!posted.ok()) all->later.fail(posted);
  });
}

}  // namespace ion::pipeline
