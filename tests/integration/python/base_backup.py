#!/usr/bin/python3
"""pg_basebackup for servers whose package has none: the same request to the server, its answer unpacked.

usage: as pg_basebackup -D DIRECTORY -d CONNINFO; other options are taken as given (-X, -c fast, -S).
Only servers that ask for no password.
"""

import io
import os
import shlex
import socket
import struct
import sys
import tarfile

COMMAND = b"BASE_BACKUP (LABEL 'spar', CHECKPOINT 'fast', WAL true, MANIFEST 'no')\0"


class Server:
    """One replication connection."""

    def __init__(self, options):
        self.socket = socket.create_connection((options["host"], int(options["port"])))
        self.file = self.socket.makefile("rb")
        words = ("user", options.get("user", "postgres"), "replication", "true")
        body = struct.pack("!i", 196608) + b"".join(word.encode() + b"\0" for word in words) + b"\0"
        self.socket.sendall(struct.pack("!i", len(body) + 4) + body)
        self.wait_ready()

    def read(self):
        kind = self.file.read(1)
        (size,) = struct.unpack("!i", self.file.read(4))
        body = self.file.read(size - 4)
        if kind == b"E":
            sys.exit("the server says: " + body.replace(b"\0", b" ").decode(errors="replace"))
        if kind == b"R" and body != struct.pack("!i", 0):
            sys.exit("the server asks for a password")
        return kind, body

    def wait_ready(self):
        while self.read()[0] != b"Z":
            pass

    def run(self, command):
        self.socket.sendall(b"Q" + struct.pack("!i", len(command) + 4) + command)
        while True:
            kind, body = self.read()
            if kind == b"Z":
                return
            yield kind, body


class Parts(io.RawIOBase):
    """The first archive of the answer as a stream, as it arrives."""

    def __init__(self, messages):
        self.messages, self.left = messages, b""
        super().__init__()

    def readable(self):
        return True

    def readinto(self, buffer):
        while not self.left:
            message = next(self.messages, None)
            if message is None:
                return 0
            if message[0] == b"d" and message[1][:1] == b"d":
                self.left = message[1][1:]
        count = min(len(buffer), len(self.left))
        buffer[:count] = self.left[:count]
        self.left = self.left[count:]
        return count


def main():
    directory = sys.argv[sys.argv.index("-D") + 1]
    conninfo = sys.argv[sys.argv.index("-d") + 1]
    options = dict(word.split("=", 1) for word in shlex.split(conninfo))
    os.makedirs(directory, mode=0o700, exist_ok=True)
    messages = Server(options).run(COMMAND)
    stream = io.BufferedReader(Parts(messages), 1 << 20)
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        archive.extractall(directory)
    for _ in messages:  # to the end: an error there spoils the backup
        pass
    os.chmod(directory, 0o700)


if __name__ == "__main__":
    main()
