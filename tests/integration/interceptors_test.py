"""The interceptors that come with the broker, loaded from its own plugins: what a producer hears, and what is stored."""
import json
import unittest

from broker import Broker, Folder


def started(folder, plugins):
    config = folder / "broker.jsonc"
    config.write_text(json.dumps({"plugins": plugins}))
    return Broker(folder / "data", config=config).start()


class Interceptors(unittest.TestCase):
    def broker(self, plugins):
        folder = Folder()
        self.addCleanup(folder.__exit__)
        server = started(folder.path, plugins)
        self.addCleanup(lambda: server.process and server.kill())
        return server

    def values(self, server, topic):
        return server.ion("consume", topic, "-o", "start", "-e", "-f", "%v\n").stdout.decode().splitlines()

    def test_values_that_do_not_match_the_schema_are_refused_record_by_record(self):
        schema = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer", "minimum": 1}}, "additionalProperties": False}
        server = self.broker({"orders-schema": {"path": "json-schema-check", "on_reject": "record", "config": {"topics": ["orders"], "schema": schema}}})
        server.ion("topic", "create", "orders", "other", "-p", "1")
        done = server.ion("produce", "orders", stdin=b'{"id":1}\n{"id":"two"}\nnot json\n{"id":3}\n', check=False)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(b"record 2: REJECTED INTERCEPTOR: interceptor orders-schema: /id: wanted integer, have a string\n", done.stderr)
        self.assertIn(b"record 3: REJECTED INTERCEPTOR: interceptor orders-schema: value: wanted JSON, have 8 bytes that are none\n", done.stderr)
        self.assertEqual(self.values(server, "orders"), ['{"id":1}', '{"id":3}'])
        server.ion("produce", "other", stdin=b"not json\n")

    def test_fields_headers_and_matches_are_never_stored(self):
        server = self.broker({"redact": {"config": {"fields": ["/user/email"], "headers": ["authorization"], "patterns": ["[0-9]{13,16}"], "not_json": "pass"}}})
        server.ion("topic", "create", "t", "-p", "1")
        server.ion("produce", "t", "-H", "authorization:Bearer x", "-H", "kept:1", stdin=b'{"user":{"email":"a@b","n":1}, "card":4111111111111111}\nno json 4111111111111111\n')
        read = server.ion("consume", "t", "-o", "start", "-e", "-f", "%v %h{%k=%v }\n").stdout.decode().splitlines()
        self.assertEqual(read, ['{"user":{"email":"***","n":1}, "card":***} authorization=*** kept=1 ', "no json *** authorization=*** kept=1 "])

    def test_a_header_leads_to_another_topic(self):
        server = self.broker({"route-by-header": {"config": {"topics": ["in"], "header": "country", "routes": ["de=orders-de", "fr=orders-fr"], "other": "reject"}}})
        server.ion("topic", "create", "in", "orders-de", "orders-fr", "-p", "1")
        server.ion("produce", "in", "-H", "country:de", stdin=b"ein Wert\n")
        server.ion("produce", "in", "-H", "country:fr", stdin=b"une valeur\n")
        self.assertEqual((self.values(server, "in"), self.values(server, "orders-de"), self.values(server, "orders-fr")), ([], ["ein Wert"], ["une valeur"]))
        done = server.ion("produce", "in", "-H", "country:it", stdin=b"un valore\n", check=False)
        self.assertIn(b'header country: no route for "it"', done.stderr)

    def test_settings_that_make_no_sense_keep_the_broker_from_starting(self):
        for plugin, config, words in (("json-schema-check", {"schema": {"typ": "object"}}, 'unknown keyword "typ"'), ("redact", {}, "wanted something to redact"),
                                      ("route-by-header", {}, "routes: wanted VALUE=TOPIC, have none")):
            with self.subTest(plugin), Folder() as folder:
                config_file = folder / "broker.jsonc"
                config_file.write_text(json.dumps({"plugins": {plugin: {"config": config}}}))
                server = Broker(folder / "data", config=config_file)
                with self.assertRaises(AssertionError):
                    server.start()
                self.assertIn(words, server.log_text())


if __name__ == "__main__":
    unittest.main()
