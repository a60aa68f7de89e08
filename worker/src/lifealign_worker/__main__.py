"""`python -m lifealign_worker --socket PATH --model FOLDER`: started by the host, once for each rank."""

import argparse
import os
import queue
import socket
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO

from . import PROTOCOL, __version__
from .frames import MAX_GREETING, Frame, ProtocolError, read_frame, write_frame

DEVICES = ("auto", "cpu", "cuda")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("lifealign_worker")
    parser.add_argument("--socket", type=Path, help="where the host listens; rank 0 needs it")
    parser.add_argument("--model", type=Path, required=True, help="a folder in Hugging Face layout")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--parallel", choices=("ddp", "fsdp"), default="ddp")
    parser.add_argument("--attention", choices=("auto", "segments", "flex"), default="auto")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--checkpointing", action="store_true")
    parser.add_argument("--trust-remote-code", action="store_true")
    return parser.parse_args()


class Host:
    """The connection of rank 0. A thread reads ahead, so that the host's end is noticed in the midst of work."""

    def __init__(self, path: Path):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(str(path))
        self._input: BinaryIO = connection.makefile("rb")
        self._output: BinaryIO = connection.makefile("wb")
        self._arrived: queue.Queue[Frame | ProtocolError | None] = queue.Queue()
        self._idle = threading.Event()

    def greet(self) -> None:
        """Both say their versions; a host of another protocol is refused."""
        write_frame(self._output, {"type": "hello", "protocol": PROTOCOL, "version": __version__})
        hello = read_frame(self._input, MAX_GREETING)
        if hello is None:
            raise ProtocolError("the host ended the connection before it said hello")
        protocol, version = hello.header.get("protocol"), hello.header.get("version")
        if hello.header.get("type") != "hello" or type(protocol) is not int:
            raise ProtocolError("the host's first frame is not a hello")
        if protocol != PROTOCOL:
            raise ProtocolError(
                f"the host (lifealign {str(version)[:40]}) speaks protocol {protocol}, "
                f"this worker ({__version__}) protocol {PROTOCOL}"
            )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                frame: Frame | ProtocolError | None = read_frame(self._input)
            except ProtocolError as error:
                frame = error
            except OSError:
                frame = None
            if frame is None and not self._idle.is_set():
                # Nobody is left to take what is being computed.
                os._exit(1)
            self._arrived.put(frame)
            if not isinstance(frame, Frame):
                return

    def next(self) -> Frame | None:
        self._idle.set()
        frame = self._arrived.get()
        self._idle.clear()
        if isinstance(frame, ProtocolError):
            raise frame
        return frame

    def say(self, frame: Frame) -> None:
        # What was asked is done: a host that ends on reading this does not break anything off.
        self._idle.set()
        write_frame(self._output, frame.header, frame.tensors)


def watch_parent() -> None:
    """Whoever started this process ends it by ending, even if killed: nobody is left to take what it computes."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main() -> int:
    options = arguments()
    watch_parent()
    rank = int(os.environ.get("RANK", "0"))
    host: Host | None = None
    try:
        if rank == 0:
            if options.socket is None:
                raise ValueError("--socket: rank 0 needs it")
            host = Host(options.socket)
            host.greet()
        # Heavy to import: the greeting need not wait for it.
        from .run import run

        run(options, host)
        return 0
    except Exception as error:
        return fail(error, host)


def fail(error: Exception, host: Host | None) -> int:
    """Tells the host as far as it can, with a traceback where the reason is not to be expected."""
    is_protocol = isinstance(error, ProtocolError)
    message = str(error) if is_protocol else f"{type(error).__name__}: {error}"
    if not isinstance(error, (ProtocolError, ValueError, OSError)):
        sys.excepthook(type(error), error, error.__traceback__)
    elif host is None:
        sys.stderr.write(f"lifealign_worker: {message}\n")
    sys.stderr.flush()
    if host is None:
        # Where all ranks fail alike, rank 0 has the time to say so before it is ended along with this one.
        time.sleep(1)
        return 1
    try:
        host.say(Frame({"type": "error", "code": "protocol" if is_protocol else "failed", "message": message[:4000]}))
    except OSError:
        pass
    return 1


if __name__ == "__main__":
    # Threads of a broken collective would keep the interpreter from ending.
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
