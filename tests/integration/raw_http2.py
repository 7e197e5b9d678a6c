"""One gRPC call on a raw HTTP/2 connection, so that a test decides what is sent and read when: a message that stops half-way, a reader
that takes nothing."""
import socket
import struct

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
INITIAL_WINDOW_SIZE = 4
WINDOW_DEFAULT = 65_535


def literal(name, value):
    """A header without compression, RFC 7541 section 6.2.2; both texts are shorter than 127 bytes."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


class Call:
    """`window`: what the server may send before we take it; our side never grows it."""

    def __init__(self, address, method, window=WINDOW_DEFAULT, limit_s=30):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), limit_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream_window, self.connection_window, self.initial, self.frame_bytes = WINDOW_DEFAULT, WINDOW_DEFAULT, WINDOW_DEFAULT, 16_384
        self.ended, self.trailers, self.received, self.buffer = False, b"", 0, b""
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self.frame(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, window)))
        headers = b"".join(literal(n, v) for n, v in ((b":method", b"POST"), (b":scheme", b"http"), (b":path", method.encode()), (b":authority", b"raw"),
                                                      (b"te", b"trailers"), (b"content-type", b"application/grpc")))
        self.socket.sendall(self.frame(HEADERS, END_HEADERS, 1, headers))

    @staticmethod
    def frame(kind, flags, stream, payload):
        return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

    def send(self, data, last=False):
        """Sends what flow control allows, waits for more, and so on. False: the server has ended the call."""
        at = 0
        while at < len(data) and not self.ended:
            n = min(len(data) - at, self.frame_bytes, self.stream_window, self.connection_window)
            if n <= 0:
                self.take()
                continue
            flags = END_STREAM if last and at + n == len(data) else 0
            try:
                self.socket.sendall(self.frame(DATA, flags, 1, data[at:at + n]))
            except ConnectionError:
                self.ended = True
            at, self.stream_window, self.connection_window = at + n, self.stream_window - n, self.connection_window - n
        return not self.ended

    def take(self):
        """The next frame; answers its kind."""
        if not self.has(9) or not self.has(9 + struct.unpack(">I", b"\0" + self.buffer[:3])[0]):
            self.ended = True
            return None
        size, kind, flags, stream = struct.unpack(">I", b"\0" + self.buffer[:3])[0], self.buffer[3], self.buffer[4], struct.unpack(">I", self.buffer[5:9])[0]
        payload, self.buffer = self.buffer[9:9 + size], self.buffer[9 + size:]
        if kind == SETTINGS and not flags & ACK:
            for at in range(0, len(payload), 6):
                key, value = struct.unpack(">HI", payload[at:at + 6])
                if key == INITIAL_WINDOW_SIZE:
                    self.stream_window += value - self.initial
                    self.initial = value
                elif key == 5:
                    self.frame_bytes = min(value, 1 << 18)
            self.answer(self.frame(SETTINGS, ACK, 0, b""))
        elif kind == PING and not flags & ACK:
            self.answer(self.frame(PING, ACK, 0, payload))
        elif kind == WINDOW_UPDATE:
            n = struct.unpack(">I", payload)[0]
            if stream == 0:
                self.connection_window += n
            else:
                self.stream_window += n
        elif kind == DATA:
            self.received += len(payload)
        elif kind == HEADERS and flags & END_STREAM or kind in (RST_STREAM, GOAWAY):
            self.ended, self.trailers = True, self.trailers + payload
        return kind

    def look(self, enough=1 << 30):
        """Takes what has come, at most about `enough` bytes of data."""
        limit = self.socket.gettimeout()
        self.socket.settimeout(0.02)
        try:
            while not self.ended and self.received < enough:
                self.take()
        except TimeoutError:
            pass
        finally:
            self.socket.settimeout(limit)

    def answer(self, frame):
        try:
            self.socket.sendall(frame)
        except ConnectionError:
            pass  # the server has closed; what it said before is still to be read

    def has(self, n):
        """Waits until the buffer has `n` bytes. A wait that times out loses nothing."""
        while len(self.buffer) < n:
            try:
                more = self.socket.recv(1 << 16)
            except ConnectionError:
                more = b""
            if not more:
                return False
            self.buffer += more
        return True

    def wait_for_end(self):
        while not self.ended:
            self.take()
        return self.trailers

    def close(self):
        self.socket.close()


def message(body):
    return b"\0" + struct.pack(">I", len(body)) + body
