#!/usr/bin/env python3
"""The Python package `pcloud`, unchanged, over JSON and over the binary protocol.

The package knows pCloud's own hosts only. What is given to it here is an entry
more in its table of endpoints and, because its binary client always dials port
443, a way from that port to the one that the test server listens on.
"""

import hashlib
import io
import os
import pathlib
import socket
import sys
import tempfile
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from server import EMAIL, PASSWORD, Server, Suite, same  # noqa: E402

# The name in the certificate that the server makes for itself.
TLS_NAME = "localhost"


def lead_port_443_to(port):
    """From here on a connection to port 443 of TLS_NAME arrives at `port`."""
    dial = socket.create_connection

    def create_connection(address, *arguments, **options):
        if address == (TLS_NAME, 443):
            address = ("127.0.0.1", port)
        return dial(address, *arguments, **options)

    socket.create_connection = create_connection


def endpoints(server):
    """The package's protocols, pointed at the test server: plain and TLS."""
    from pcloud.binaryprotocol import PCloudBinaryConnection
    from pcloud.jsonprotocol import PCloudJSONConnection

    class Json:
        endpoint = server.url
        connection = PCloudJSONConnection

    class JsonTls:
        endpoint = f"https://{TLS_NAME}:{server.port}/"
        connection = PCloudJSONConnection

    class Binary:
        endpoint = f"https://{TLS_NAME}/"
        connection = PCloudBinaryConnection

    return {"JSON": Json, "JSON over TLS": JsonTls, "binary": Binary}


class Cases:
    """The cases for one protocol, in a folder of their own."""

    def __init__(self, suite, protocol):
        self.suite = suite
        self.protocol = protocol
        self.folder = "/" + protocol.lower().replace(" ", "-")
        self.cloud = None

    def run(self):
        """All cases; each stands on the ones before it."""
        self.case("digest login gives a token", self.login)
        if self.cloud is None:
            return
        self.case("a wrong password is refused", self.wrong_password)
        self.case("userinfo knows the account", self.userinfo)
        self.case("folders are made, once", self.folders)
        self.case("data is uploaded and read back", self.upload_data)
        self.case("files are uploaded and listed", self.upload_files)
        self.case("an empty file is a file", self.upload_empty)
        self.case("one file is replaced by another of its name", self.replace)
        self.case("stat tells files, folders, and what is not there", self.stat)
        self.case("checksums are those of the content", self.checksums)
        self.case("copies and renames", self.copy_and_rename)
        self.case("getzip packs what was asked for", self.getzip)
        self.case("diff tells the changes in their order", self.diff)
        self.case("a deleted file lies in the trash and comes back", self.trash)
        self.case("a folder is deleted with all in it", self.delete_folder)
        self.case("the tokens are listed", self.tokens)

    def case(self, title, function):
        """One counted case."""
        self.suite.case(f"{self.protocol}: {title}", function)

    def path(self, name):
        """A path in the folder of this protocol."""
        return f"{self.folder}/{name}"

    def ok(self, answer):
        """The answer, when it is a success."""
        same("result", 0, answer["result"])
        return answer

    def content(self, path):
        """The content of a file, by the package's own way of downloading."""
        fileid = self.ok(self.cloud.stat(path=path))["metadata"]["fileid"]
        return self.cloud.file_download(fileid=fileid)

    def login(self):
        from pcloud import PyCloud

        cloud = PyCloud(EMAIL, PASSWORD, endpoint=self.protocol)
        assert cloud.auth_token, "no token in the answer"
        self.cloud = cloud

    def wrong_password(self):
        from pcloud import PyCloud
        from pcloud.api import AuthenticationError

        try:
            PyCloud(EMAIL, PASSWORD + "x", endpoint=self.protocol)
        except AuthenticationError as refusal:
            same("result", 2000, refusal.args[0]["result"])
        else:
            raise AssertionError("logged in with a wrong password")

    def userinfo(self):
        info = self.ok(self.cloud.userinfo())
        same("email", EMAIL, info["email"])
        assert info["quota"] >= info["usedquota"] >= 0, info

    def folders(self):
        made = self.ok(self.cloud.createfolder(path=self.folder))["metadata"]
        same("isfolder", True, made["isfolder"])
        same("second time", 2004, self.cloud.createfolder(path=self.folder)["result"])
        again = self.ok(self.cloud.createfolderifnotexists(path=self.folder))
        same("folderid", made["folderid"], again["metadata"]["folderid"])
        inside = self.ok(
            self.cloud.createfolder(folderid=made["folderid"], name="Größe & more")
        )["metadata"]
        same("parentfolderid", made["folderid"], inside["parentfolderid"])
        same("without a parent", 2002, self.cloud.createfolder(path="/none/x")["result"])

    def upload_data(self):
        data = os.urandom(100_000)
        answer = self.ok(
            self.cloud.uploadfile(data=data, filename="data.bin", path=self.folder)
        )
        same("size", len(data), answer["metadata"][0]["size"])
        same("sha1", hashlib.sha1(data).hexdigest(), answer["checksums"][0]["sha1"])
        assert self.content(self.path("data.bin")) == data, "another content came back"

    def upload_files(self):
        names = ["one.txt", "zwei ü.txt", "three (3).txt"]
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in names]
            for path in paths:
                pathlib.Path(path).write_text(path)
            self.ok(self.cloud.uploadfile(files=paths, path=self.folder))
            listed = self.ok(self.cloud.listfolder(path=self.folder))["metadata"]["contents"]
            same(
                "names",
                sorted(names + ["data.bin", "Größe & more"]),
                sorted(entry["name"] for entry in listed),
            )
            for name, path in zip(names, paths):
                same(name, path.encode(), self.content(self.path(name)))

    def upload_empty(self):
        answer = self.ok(self.cloud.uploadfile(data=b"", filename="empty", path=self.folder))
        same("size", 0, answer["metadata"][0]["size"])

    def replace(self):
        before = self.ok(self.cloud.stat(path=self.path("one.txt")))["metadata"]
        self.ok(self.cloud.uploadfile(data=b"replaced", filename="one.txt", path=self.folder))
        after = self.ok(self.cloud.stat(path=self.path("one.txt")))["metadata"]
        same("fileid", before["fileid"], after["fileid"])
        assert before["hash"] != after["hash"], "the hash did not change"
        same("content", b"replaced", self.content(self.path("one.txt")))

    def stat(self):
        file = self.ok(self.cloud.stat(path=self.path("data.bin")))["metadata"]
        same("isfolder", False, file["isfolder"])
        same("size", 100_000, file["size"])
        by_id = self.ok(self.cloud.stat(fileid=file["fileid"]))["metadata"]
        same("hash by id", file["hash"], by_id["hash"])
        assert self.cloud.file_exists(path=self.path("data.bin"))
        assert not self.cloud.file_exists(path=self.path("none"))
        same("isfolder", True, self.ok(self.cloud.stat(path=self.folder))["metadata"]["isfolder"])

    def checksums(self):
        data = self.content(self.path("data.bin"))
        sums = self.ok(self.cloud.checksumfile(path=self.path("data.bin")))
        same("sha1", hashlib.sha1(data).hexdigest(), sums["sha1"])
        same("sha256", hashlib.sha256(data).hexdigest(), sums["sha256"])

    def copy_and_rename(self):
        self.ok(self.cloud.copyfile(path=self.path("one.txt"), topath=self.path("copy.txt")))
        same("copy", b"replaced", self.content(self.path("copy.txt")))
        self.ok(self.cloud.renamefile(path=self.path("copy.txt"), topath=self.path("renamed.txt")))
        same("old name", False, self.cloud.file_exists(path=self.path("copy.txt")))
        same("new name", b"replaced", self.content(self.path("renamed.txt")))
        self.ok(
            self.cloud.renamefolder(path=self.path("Größe & more"), topath=self.path("renamed"))
        )
        same(
            "isfolder",
            True,
            self.ok(self.cloud.stat(path=self.path("renamed")))["metadata"]["isfolder"],
        )

    def getzip(self):
        ids = [
            self.ok(self.cloud.stat(path=self.path(name)))["metadata"]["fileid"]
            for name in ("one.txt", "zwei ü.txt")
        ]
        # As text: over JSON a list would be sent as one parameter for each item.
        content = self.cloud.getzip(fileids=",".join(map(str, ids)))
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            same("names", ["one.txt", "zwei ü.txt"], sorted(packed.namelist()))
            same("damaged member", None, packed.testzip())

    def diff(self):
        last = self.ok(self.cloud.diff(last=0))["diffid"]
        self.ok(self.cloud.createfolder(path=self.path("watched")))
        self.ok(
            self.cloud.uploadfile(data=b"new", filename="new.txt", path=self.path("watched"))
        )
        answer = self.ok(self.cloud.diff(diffid=last))
        events = [
            (entry["event"], entry["metadata"]["name"])
            for entry in answer["entries"]
        ]
        same("events", [("createfolder", "watched"), ("createfile", "new.txt")], events)
        ids = [entry["diffid"] for entry in answer["entries"]]
        assert ids == sorted(ids) and ids[0] > last, ids
        same("diffid", ids[-1], answer["diffid"])
        same("entries after the last", [], self.ok(self.cloud.diff(diffid=ids[-1]))["entries"])
        self.ok(self.cloud.deletefile(path=self.path("watched/new.txt")))
        entries = self.ok(self.cloud.diff(diffid=ids[-1]))["entries"]
        same("the deletion", ["deletefile"], [entry["event"] for entry in entries])
        # What was made and deleted between two looks has never been there.
        entries = self.ok(self.cloud.diff(diffid=last))["entries"]
        same("both together", ["createfolder"], [entry["event"] for entry in entries])

    def trash(self):
        deleted = self.ok(self.cloud.deletefile(path=self.path("renamed.txt")))["metadata"]
        same("isdeleted", True, deleted["isdeleted"])
        same("exists", False, self.cloud.file_exists(path=self.path("renamed.txt")))
        listed = self.ok(self.cloud.trash_list(folderid=0, recursive=1))["metadata"]
        assert deleted["fileid"] in file_ids(listed), "not in the trash"
        self.ok(self.cloud.trash_restore(fileid=deleted["fileid"]))
        same("content", b"replaced", self.content(self.path("renamed.txt")))
        self.ok(self.cloud.deletefile(fileid=deleted["fileid"]))
        self.ok(self.cloud.trash_clear(fileid=deleted["fileid"]))
        listed = self.ok(self.cloud.trash_list(folderid=0, recursive=1))["metadata"]
        assert deleted["fileid"] not in file_ids(listed), "still in the trash"

    def delete_folder(self):
        same("not empty", 2006, self.cloud.deletefolder(path=self.folder)["result"])
        answer = self.ok(self.cloud.deletefolderrecursive(path=self.folder))
        assert answer["deletedfiles"] >= 5 and answer["deletedfolders"] >= 2, answer
        # 2005 is the answer for a folder that is not there.
        same("afterwards", 2005, self.cloud.listfolder(path=self.folder)["result"])

    def tokens(self):
        assert len(self.ok(self.cloud.listtokens())["tokens"]) >= 1


def file_ids(folder):
    """The ids of all files in a listing, at any depth."""
    ids = set()
    for entry in folder.get("contents", []):
        if entry["isfolder"]:
            ids |= file_ids(entry)
        else:
            ids.add(entry["fileid"])
    return ids


def main():
    server = Server("python", "--tls-self-signed")
    # Read by the package's HTTP library and by Python's own TLS.
    os.environ["SSL_CERT_FILE"] = server.ca_file()
    lead_port_443_to(server.port)
    suite = Suite()
    try:
        from pcloud import PyCloud
        from pcloud.utils import log

        # Its note of every login would drown the cases.
        log.setLevel("ERROR")
        PyCloud.endpoints = {**PyCloud.endpoints, **endpoints(server)}
        for protocol in endpoints(server):
            Cases(suite, protocol).run()
    except BaseException:
        server.stop(keep=True)
        raise
    suite.end(server)


if __name__ == "__main__":
    main()
