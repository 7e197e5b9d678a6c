"""The log as an operator reads it: every line in one format, those of libraries too, and what the debug level says about clients."""
import re
import time
import unittest

import grpc

import wire_test as wire
from broker import Broker, Folder

LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info |warn |error) [a-z/-]+ \S")


class LogLines(unittest.TestCase):
    def test_lines_of_grpc_are_lines_of_the_log(self):
        with Folder() as folder, Broker(folder / "data", "--set", "log.level=debug", env={"GRPC_VERBOSITY": "debug", "GRPC_TRACE": "http"}) as server:
            client = wire.Client(server.address)
            client.admin("ListTopics")
            client.close()
            self.assertEqual(server.stop(), 0)
            lines = server.log_text().splitlines()
            self.assertEqual([line for line in lines if not LINE.match(line)], [])
            self.assertTrue(any("plugin/transport-grpc" in line and "source=chttp2_transport.cc:" in line for line in lines))

    def test_the_debug_level_tells_of_streams_refusals_clients_that_go_and_the_drain(self):
        with Folder() as folder, Broker(folder / "data", "--set", "log.level=debug") as server:
            client = wire.Client(server.address)
            with self.assertRaises(grpc.RpcError):
                client.broker("Produce", topic="nowhere", partition=0, records=wire.batch([b"a"]))
            server.ion("topic", "create", "t")
            request = wire.message("ionstream.v1.SubscribeRequest")(parts=[dict(topic="t", partition=0, offset=0)])
            stream = client.channel.unary_stream("/ionstream.v1.Broker/Subscribe", request_serializer=lambda m: m.SerializeToString(),
                                                 response_deserializer=wire.message("ionstream.v1.FetchResponse").FromString)(request, timeout=60)
            next(stream)
            stream.cancel()
            client.close()
            deadline = time.monotonic() + 30
            while "the client of a call has gone" not in server.log_text():  # before the stop, which ends calls too
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)
            self.assertEqual(server.stop(), 0)
            log = server.log_text()
            for words in ("a call failed peer=127.0.0.1:", "status=NOT_FOUND", "a client opened a stream", "method=/ionstream.v1.Broker/Subscribe",
                          "the client of a call has gone", "new calls are refused, those in progress are asked to end"):
                self.assertIn(words, log)

    def test_a_topic_name_that_is_no_text_is_refused_with_a_detail_that_can_be_read(self):
        with Folder() as folder, Broker(folder / "data") as server:
            channel = grpc.insecure_channel(server.address)
            produce = channel.unary_unary("/ionstream.v1.Broker/Produce")
            with self.assertRaises(grpc.RpcError) as caught:
                produce(b"\x0a\x03a\xffb" + b"\x12\x00\x7a\x01x", timeout=20)
            wire.detail_of(caught.exception)
            channel.close()
            self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
