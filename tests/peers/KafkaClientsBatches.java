// Record batches of Apache Kafka's own library, without a broker: writes one from lines of records, or prints the records of some.
//   java -cp ... KafkaClientsBatches.java write CODEC FILE < LINES     |     read FILE > LINES
// A line: time, key, value, headers, separated by tabs; bytes are hexadecimal, null is "-"; a header is KEY=VALUE, separated by commas.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.StringJoiner;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;

public class KafkaClientsBatches {
  static byte[] bytes(String text) {
    return text.equals("-") ? null : HexFormat.of().parseHex(text);
  }

  static String text(ByteBuffer bytes) {
    if (bytes == null) return "-";
    byte[] copy = new byte[bytes.remaining()];
    bytes.duplicate().get(copy);
    return HexFormat.of().formatHex(copy);
  }

  static Header[] headers(String text) {
    if (text.isEmpty()) return new Header[0];
    String[] parts = text.split(",");
    Header[] out = new Header[parts.length];
    for (int i = 0; i < parts.length; i++) {
      String[] pair = parts[i].split("=", 2);
      out[i] = new RecordHeader(new String(bytes(pair[0]), StandardCharsets.UTF_8), bytes(pair[1]));
    }
    return out;
  }

  static void write(String codec, Path file) throws Exception {
    try (MemoryRecordsBuilder batch = MemoryRecords.builder(ByteBuffer.allocate(1 << 20), Compression.of(CompressionType.forName(codec)).build(),
        TimestampType.CREATE_TIME, 0)) {
      BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        String[] parts = line.split("\t", -1);
        batch.append(Long.parseLong(parts[0]), bytes(parts[1]), bytes(parts[2]), headers(parts[3]));
      }
      ByteBuffer out = batch.build().buffer();
      byte[] whole = new byte[out.remaining()];
      out.get(whole);
      Files.write(file, whole);
    }
  }

  static void read(Path file) throws Exception {
    for (RecordBatch batch : MemoryRecords.readableRecords(ByteBuffer.wrap(Files.readAllBytes(file))).batches()) {
      batch.ensureValid();
      for (Record record : batch) {
        StringJoiner headers = new StringJoiner(",");
        for (Header header : record.headers())
          headers.add(HexFormat.of().formatHex(header.key().getBytes(StandardCharsets.UTF_8)) + "=" + text(header.value() == null ? null : ByteBuffer.wrap(header.value())));
        System.out.println(record.timestamp() + "\t" + text(record.key()) + "\t" + text(record.value()) + "\t" + headers);
      }
    }
  }

  public static void main(String[] args) throws Exception {
    if (args[0].equals("write")) write(args[1], Path.of(args[2]));
    else read(Path.of(args[1]));
  }
}
