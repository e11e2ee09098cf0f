"""A log that is not read delays nobody; what was dropped is said afterwards."""

import os
import threading

from probe.diagnostics.log_writer import MAX_CHARACTERS, LogWriter


def test_a_pipe_that_is_not_read_blocks_nothing_and_drops_are_counted_and_said() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream, os.fdopen(reading, "rb") as reader:
        writer = LogWriter(stream, lambda count: f"{count} dropped")
        line = "x" * 9999
        count = 2 * MAX_CHARACTERS // len(line)
        for _ in range(count):
            writer.write(line)
        assert writer.dropped > 0
        found: list[bytes] = []
        said = threading.Event()

        def read() -> None:
            for each in reader:
                found.append(each)
                if b"dropped" in each:
                    said.set()
                    return

        thread = threading.Thread(target=read)
        thread.start()
        assert said.wait(30)
        thread.join()
        assert found[-1] == f"{writer.dropped} dropped\n".encode()
        assert len(found) - 1 + writer.dropped == count


def test_a_stream_that_is_closed_is_no_reason_to_fail() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        os.close(reading)
        writer = LogWriter(stream, str)
        writer.write("to nobody")
        writer.flush(5.0)
        writer.write("again")
        writer.flush(5.0)
