"""Downloads end with what the publisher lists, or with one clear line and a state from which they go on."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.datasets.publisher import Publisher, published
from wearfm.datasets import DATASETS
from wearfm.datasets.base import Address, Dataset
from wearfm.datasets.download import DownloadSummary, download, part
from wearfm.datasets.download.fetch import published_bytes
from wearfm.datasets.download.transfer import AGENT
from wearfm.errors import BadConfiguration, CannotDownload, CannotWrite

BIG = bytes(range(256)) * 4096  # 1 MiB
FILE = Address(kind="file", url="https://files.org/a/big.bin")


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with published() as made:
        yield made


def card(*addresses: Address, size: str = "", by_hand: str = "") -> Dataset:
    return Dataset(
        name="toy", title="Toy", modalities=("ppg",), folder="toy", participants=1, licence="CC0 1.0", citation="us",
        homepage="https://files.org", recordings=lambda _: iter(()), size=size, addresses=addresses, by_hand=by_hand,
    )  # fmt: skip


def get(publisher: Publisher, folder: Path, *addresses: Address, tries: int = 3, **facts: str) -> DownloadSummary:
    return download(card(*addresses, **facts), folder, mirrors=publisher.mirrors, pauses_s=(0.0,) * (tries - 1))


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "wearfm-download.json"
    }


def ledger(folder: Path) -> dict[str, dict[str, object]]:
    lines: dict[str, dict[str, object]] = json.loads((folder / "wearfm-download.json").read_text())["files"]
    return lines


RELEASE = {"RECORDS": b"100\n", "100.hea": b"100 1 360\n", "100.dat": b"\1\2\3", "more/a b.csv": b"t\n", "empty": b""}


@pytest.mark.parametrize("url", ["https://physionet.org/files/mitdb/1.0.0/", "https://physionet.org/content/mitdb/1.0.0"])
def test_a_release_of_physionet(publisher: Publisher, tmp_path: Path, url: str) -> None:
    publisher.physionet("mitdb/1.0.0", RELEASE)
    publisher.files["/files/mitdb/1.0.0/more/a%20b.csv"] = publisher.files["/files/mitdb/1.0.0/more/a b.csv"]
    summary = get(publisher, tmp_path / "toy", Address(kind="physionet", url=url))
    assert files(tmp_path / "toy") == RELEASE
    assert (summary.fetched, summary.kept, summary.size) == (5, 0, sum(map(len, RELEASE.values())))
    line = ledger(tmp_path / "toy")["100.dat"]
    assert line["url"] == "https://physionet.org/files/mitdb/1.0.0/100.dat"
    assert (line["sha256"], line["size"]) == (hashlib.sha256(b"\1\2\3").hexdigest(), 3)


@pytest.mark.parametrize("url", ["https://zenodo.org/records/53894", "https://zenodo.org/record/53894/"])
def test_a_record_of_zenodo(publisher: Publisher, tmp_path: Path, url: str) -> None:
    publisher.zenodo(53894, {"a.csv": b"1,2\n", "b.csv": BIG})
    assert get(publisher, tmp_path, Address(kind="zenodo", url=url)).fetched == 2
    assert files(tmp_path) == {"a.csv": b"1,2\n", "b.csv": BIG}


@pytest.mark.parametrize("version", ["", "/versions/2"])
def test_an_article_of_figshare(publisher: Publisher, tmp_path: Path, version: str) -> None:
    publisher.figshare(5202739, {"s1.cnt": b"one", "s2.cnt": b"two"}, version=version)
    url = f"https://figshare.com/articles/dataset/The_title_2/5202739{version.replace('versions/', '')}"
    get(publisher, tmp_path, Address(kind="figshare", url=url, path="raw"))
    assert files(tmp_path) == {"raw/s1.cnt": b"one", "raw/s2.cnt": b"two"}


@pytest.mark.parametrize(("path", "lies"), [("", "big one.bin"), ("x/y.bin", "x/y.bin"), ("x/", "x/big one.bin")])
def test_a_file(publisher: Publisher, tmp_path: Path, path: str, lies: str) -> None:
    publisher.files["/a/big%20one.bin"] = BIG
    hash_of_it = hashlib.sha256(BIG).hexdigest()
    get(publisher, tmp_path, Address(kind="file", url="https://files.org/a/big%20one.bin", path=path, sha256=hash_of_it))
    assert files(tmp_path) == {lies: BIG}


def test_only_what_is_wanted(publisher: Publisher, tmp_path: Path) -> None:
    publisher.physionet("mitdb/1.0.0", RELEASE)
    address = Address(kind="physionet", url="https://physionet.org/files/mitdb/1.0.0/", only=("*.hea", "*.dat"))
    get(publisher, tmp_path, address)
    assert set(files(tmp_path)) == {"100.hea", "100.dat"}
    nothing = Address(kind="physionet", url="https://physionet.org/files/mitdb/1.0.0/", only=("*.edf",))
    with pytest.raises(CannotDownload, match=r"5 files are listed, none is \*\.edf"):
        get(publisher, tmp_path, nothing)


def test_what_is_complete_is_not_fetched_again(publisher: Publisher, tmp_path: Path) -> None:
    publisher.physionet("mitdb/1.0.0", RELEASE)
    publisher.files["/files/mitdb/1.0.0/more/a%20b.csv"] = publisher.files["/files/mitdb/1.0.0/more/a b.csv"]
    publisher.files["/a/big.bin"] = BIG
    addresses = (Address(kind="physionet", url="https://physionet.org/files/mitdb/1.0.0/"), FILE)
    get(publisher, tmp_path, *addresses)
    before = (tmp_path / "wearfm-download.json").read_text()
    publisher.asked.clear()
    again = get(publisher, tmp_path, *addresses)
    assert (again.fetched, again.kept) == (0, 6)
    assert [path for path, _ in publisher.asked] == ["/files/mitdb/1.0.0/SHA256SUMS.txt"]
    assert (tmp_path / "wearfm-download.json").read_text() == before


def test_a_damaged_or_missing_file_is_fetched_again_and_only_that(publisher: Publisher, tmp_path: Path) -> None:
    publisher.zenodo(7, {"a.csv": b"1,2\n", "b.csv": b"3,4\n", "c.csv": b"5\n"})
    address = Address(kind="zenodo", url="https://zenodo.org/records/7")
    get(publisher, tmp_path, address)
    (tmp_path / "a.csv").write_bytes(b"1,3\n")
    (tmp_path / "c.csv").unlink()
    again = get(publisher, tmp_path, address)
    assert (again.fetched, again.kept) == (2, 1)
    assert files(tmp_path) == {"a.csv": b"1,2\n", "b.csv": b"3,4\n", "c.csv": b"5\n"}


def test_a_broken_transfer_goes_on_where_it_broke(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["/a/big.bin"] = BIG
    publisher.mishaps["/a/big.bin"] = ["cut 400000", "cut 300000"]
    get(publisher, tmp_path, FILE)
    assert files(tmp_path) == {"big.bin": BIG}
    assert [wanted for _, wanted in publisher.asked] == ["", "bytes=400000-", "bytes=700000-"]


def test_after_many_broken_transfers_a_second_run_goes_on(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["/a/big.bin"] = BIG
    publisher.mishaps["/a/big.bin"] = ["cut 1000"] * 3
    with pytest.raises(CannotDownload, match=r"ended at byte 3,000 of 1,048,576, 3 times; run the same command again"):
        get(publisher, tmp_path, FILE)
    assert set(files(tmp_path)) == {"big.bin.part", "big.bin.part.json"}
    get(publisher, tmp_path, FILE)
    assert files(tmp_path) == {"big.bin": BIG}
    assert publisher.asked[-1] == ("/a/big.bin", "bytes=3000-")


def test_a_connection_that_breaks_often_but_brings_much_is_no_fruitless_one(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["/a/big.bin"] = BIG * 8
    publisher.mishaps["/a/big.bin"] = [f"cut {len(BIG)}"] * 7
    get(publisher, tmp_path, FILE, tries=2)
    assert files(tmp_path) == {"big.bin": BIG * 8}


def test_a_server_without_ranges_starts_again(publisher: Publisher, tmp_path: Path) -> None:
    publisher.ranges = False
    publisher.files["/a/big.bin"] = BIG
    publisher.mishaps["/a/big.bin"] = ["cut 400000"]
    get(publisher, tmp_path, FILE)
    assert files(tmp_path) == {"big.bin": BIG}


@pytest.mark.parametrize("heeds", [True, False])
def test_two_versions_are_never_glued(publisher: Publisher, tmp_path: Path, heeds: bool) -> None:
    publisher.heeds_versions = heeds
    publisher.files["/a/big.bin"] = BIG
    publisher.mishaps["/a/big.bin"] = ["cut 100000"] * 3
    with pytest.raises(CannotDownload, match="run the same command again"):
        get(publisher, tmp_path, FILE)
    publisher.files["/a/big.bin"] = BIG[::-1]
    get(publisher, tmp_path, FILE)
    assert files(tmp_path) == {"big.bin": BIG[::-1]}


def test_without_version_and_hash_nothing_is_resumed(publisher: Publisher, tmp_path: Path) -> None:
    publisher.versions["/a/big.bin"] = None
    publisher.files["/a/big.bin"] = BIG
    publisher.mishaps["/a/big.bin"] = ["cut 400000"]
    get(publisher, tmp_path, FILE)
    assert [wanted for _, wanted in publisher.asked] == ["", ""]
    assert files(tmp_path) == {"big.bin": BIG}


def test_without_a_version_the_hash_finds_glued_files(publisher: Publisher, tmp_path: Path) -> None:
    publisher.versions["/a/big.bin"] = None
    publisher.files["/a/big.bin"] = BIG
    publisher.mishaps["/a/big.bin"] = ["cut 400000"]
    other = bytes(1000) + BIG[1000:]
    (tmp_path / "big.bin.part").write_bytes(other[:5000])
    get(publisher, tmp_path, Address(kind="file", url=FILE.url, sha256=hashlib.sha256(BIG).hexdigest()))
    assert files(tmp_path) == {"big.bin": BIG}


def test_a_whole_part_is_checked_and_kept(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["/a/big.bin"] = BIG
    (tmp_path / "big.bin.part").write_bytes(BIG)
    get(publisher, tmp_path, Address(kind="file", url=FILE.url, sha256=hashlib.sha256(BIG).hexdigest()))
    assert files(tmp_path) == {"big.bin": BIG}
    assert publisher.asked == [("/a/big.bin", f"bytes={len(BIG)}-")]
    publisher.zenodo(7, {"a.csv": b"1,2\n"})
    (tmp_path / "a.csv.part").write_bytes(b"1,2\n")
    get(publisher, tmp_path, Address(kind="zenodo", url="https://zenodo.org/records/7"))
    assert publisher.times("/api/records/7/files/a.csv/content") == 0


def test_a_wrong_hash_is_fetched_once_more_and_then_refused(publisher: Publisher, tmp_path: Path) -> None:
    publisher.physionet("x/1", {"good": b"g", "bad": b"b", "later": b"l"}, sums={"bad": "0" * 64})
    (tmp_path / "bad").write_bytes(b"mine")
    with pytest.raises(
        CannotDownload, match=r"/bad: its SHA256 is 3e23.*, 0000.* is listed, twice over; nothing of it was kept"
    ):
        get(publisher, tmp_path, Address(kind="physionet", url="https://physionet.org/files/x/1/"))
    assert publisher.times("/files/x/1/bad") == 2
    assert files(tmp_path) == {"good": b"g", "bad": b"mine"}
    assert set(ledger(tmp_path)) == {"good"}


def test_a_wrong_size_is_refused_before_the_bytes_come(publisher: Publisher, tmp_path: Path) -> None:
    publisher.zenodo(7, {"a.bin": BIG}, size=10)
    with pytest.raises(CannotDownload, match="sends 1048576 bytes, 10 are listed"):
        get(publisher, tmp_path, Address(kind="zenodo", url="https://zenodo.org/records/7"))
    assert files(tmp_path) == {}


def test_a_file_without_a_published_hash_is_held_against_its_first_download(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["/a/big.bin"] = BIG
    get(publisher, tmp_path, FILE)
    (tmp_path / "big.bin").write_bytes(b"damaged")
    assert get(publisher, tmp_path, FILE).fetched == 1
    assert files(tmp_path) == {"big.bin": BIG}
    publisher.files["/a/big.bin"] = b"another"
    assert get(publisher, tmp_path, FILE).kept == 1
    (tmp_path / "big.bin").unlink()
    with pytest.raises(CannotDownload, match=r"was that of the first download, 2.* remove its line from wearfm-download\.json"):
        get(publisher, tmp_path, FILE)
    assert files(tmp_path) == {}


def test_a_refusal_is_one_line_at_once(publisher: Publisher, tmp_path: Path) -> None:
    with pytest.raises(CannotDownload, match="the server says 404 Not Found; see in a browser"):
        get(publisher, tmp_path, FILE)
    assert publisher.times("/a/big.bin") == 1
    assert files(tmp_path) == {}


def test_a_server_that_is_busy_is_asked_again(publisher: Publisher, tmp_path: Path) -> None:
    publisher.zenodo(7, {"a.csv": b"1,2\n"})
    publisher.mishaps["/api/records/7"] = ["503", "429"]
    publisher.mishaps["/api/records/7/files/a.csv/content"] = ["500"]
    get(publisher, tmp_path, Address(kind="zenodo", url="https://zenodo.org/records/7"))
    assert files(tmp_path) == {"a.csv": b"1,2\n"}
    publisher.mishaps["/a/big.bin"] = ["503"] * 3
    with pytest.raises(CannotDownload, match="the server says 503 Service Unavailable, 3 times"):
        get(publisher, tmp_path, FILE)


def test_a_host_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CannotDownload, match=r"no connection \(.*refused\), 2 times"):
        download(card(FILE), tmp_path, mirrors={"https://files.org": "http://127.0.0.1:9"}, pauses_s=(0.0,))


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "a/../../x", "a//b", "a\\b", "C:x", ".", "x\n", "wearfm-download.json", "a.part"]
)
def test_names_that_would_leave_the_folder_are_refused(publisher: Publisher, tmp_path: Path, name: str) -> None:
    publisher.zenodo(7, {"a.csv": b"1,2\n"}, key=name)
    with pytest.raises(CannotDownload, match="would not be a file of its own in the folder"):
        get(publisher, tmp_path / "toy", Address(kind="zenodo", url="https://zenodo.org/records/7"))
    assert files(tmp_path) == {}


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://files.org/x"])
def test_a_listing_cannot_name_files_of_this_machine(publisher: Publisher, tmp_path: Path, url: str) -> None:
    publisher.zenodo(7, {"a.csv": b"1,2\n"}, links={"self": url})
    with pytest.raises(CannotDownload, match="only http and https are asked"):
        get(publisher, tmp_path, Address(kind="zenodo", url="https://zenodo.org/records/7"))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"<html>", "lists no files"),
        (b'{"files": 3}', "a int, not a list"),
        (b'{"files": [{"key": "a"}]}', "not described as expected"),
        (b'{"files": ["a"]}', "not described as expected"),
        (b'{"files": [{"key": "a", "size": 1, "checksum": "crc:1", "links": {"self": "x"}}]}', "neither an MD5 nor a SHA-256"),
        (b'{"files": []}', "0 files are listed"),
    ],
)
def test_a_listing_that_is_none(publisher: Publisher, tmp_path: Path, answer: bytes, says: str) -> None:
    publisher.files["/api/records/7"] = answer
    with pytest.raises(CannotDownload, match=says):
        get(publisher, tmp_path, Address(kind="zenodo", url="https://zenodo.org/records/7"))


def test_sums_that_are_none(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["/files/x/SHA256SUMS.txt"] = b"<html>login"
    with pytest.raises(CannotDownload, match=r"line 1 is '<html>login', not a hash and a path"):
        get(publisher, tmp_path, Address(kind="physionet", url="https://physionet.org/files/x"))


def test_a_card_without_the_number_of_a_record(publisher: Publisher, tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="does not end in the number of a zenodo record"):
        get(publisher, tmp_path, Address(kind="zenodo", url="https://zenodo.org/records/latest"))


def test_a_full_disk_is_seen_before(publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publisher.zenodo(7, {"a.bin": BIG})
    monkeypatch.setattr(part, "SPARE_BYTES", 10**18)
    with pytest.raises(CannotWrite, match=r"0\.00105 GB are to come and .* GB are free; make room"):
        get(publisher, tmp_path / "toy", Address(kind="zenodo", url="https://zenodo.org/records/7"))
    publisher.physionet("x/1", {"a.bin": BIG})
    with pytest.raises(CannotWrite, match=r"3\.2 GB are to come"):
        get(publisher, tmp_path / "toy", Address(kind="physionet", url="https://physionet.org/files/x/1"), size="3.2 GB")
    assert publisher.times("/api/records/7/files/a.bin/content") == publisher.times("/files/x/1/a.bin") == 0


def test_sizes_as_cards_state_them() -> None:
    assert [published_bytes(size) for size in ("3.2 GB", "88 MB", "1,200 KB", "", "about 3", "1.7 GB zip")] == [
        3_200_000_000, 88_000_000, 1_200_000, 0, 0, 1_700_000_000
    ]  # fmt: skip


def test_an_interruption_leaves_a_state_to_go_on_from(publisher: Publisher, tmp_path: Path) -> None:
    publisher.zenodo(7, {"a.bin": b"a", "b.bin": BIG})
    address = Address(kind="zenodo", url="https://zenodo.org/records/7")

    def interrupt(done: int, total: int, what: str) -> None:
        if what == "b.bin":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(card(address), tmp_path, mirrors=publisher.mirrors, progress=interrupt)
    assert set(ledger(tmp_path)) == {"a.bin"}
    again = get(publisher, tmp_path, address)
    assert (again.fetched, again.kept) == (1, 1)
    assert files(tmp_path) == {"a.bin": b"a", "b.bin": BIG}


def test_two_downloads_of_one_file_do_not_mix(publisher: Publisher, tmp_path: Path) -> None:
    publisher.files["/a/big.bin"] = BIG
    with part.Part(tmp_path / "big.bin").held(), pytest.raises(BadConfiguration, match="being written by another download"):
        get(publisher, tmp_path, FILE)


def test_progress_counts_megabytes_once(publisher: Publisher, tmp_path: Path) -> None:
    publisher.zenodo(7, {"a.bin": BIG * 2})
    publisher.mishaps["/api/records/7/files/a.bin/content"] = ["cut 1500000"]
    seen: list[tuple[int, int, str]] = []
    address = Address(kind="zenodo", url="https://zenodo.org/records/7")
    download(card(address), tmp_path, mirrors=publisher.mirrors, pauses_s=(0.0,), progress=lambda *step: seen.append(step))
    assert seen[-1] == (2, 2, "a.bin")
    assert [step[0] for step in seen] == sorted(step[0] for step in seen)


def test_a_torn_ledger_is_named(publisher: Publisher, tmp_path: Path) -> None:
    (tmp_path / "wearfm-download.json").write_text("{")
    with pytest.raises(BadConfiguration, match="is not a ledger of downloads"):
        get(publisher, tmp_path, FILE)


def test_what_can_only_be_had_by_hand_says_how(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="no direct address; sign the form at x, then use wearfm datasets prepare"):
        download(card(by_hand="sign the form at x"), tmp_path)


def test_the_agent_says_who_asks() -> None:
    assert "wearfm" in AGENT


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_addresses_of_cards_are_official_and_well_formed(name: str) -> None:
    for address in DATASETS[name].addresses:
        assert address.url.startswith("https://"), address.url
        assert not address.sha256 or len(address.sha256) == 64, address.sha256
