# SPDX-License-Identifier: MIT
"""tree.py - a copy of the working tree for scripts/mutate, and the test
programs in it.

They are linked once, to the stack as a shared library: for a fault one file is
compiled and that library made anew, and LD_LIBRARY_PATH says whose it is.
"""

import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading

FOLDERS = ["lib/base", "lib/wire", "lib/tcp", "lib/stack"]
MEMORY = 8 << 30


def say(text):
    print(text, flush=True)


def fail(text):
    sys.exit("mutate: " + text)


class Program:
    """A test program, and what it costs without a fault."""

    def __init__(self, name, command):
        self.name = name
        self.command = command
        self.fork = False  # each case of a unit test in a process of its own
        self.wide = False  # it wants more address space than there is memory
        self.cpu = 0.0

    def run(self, place, limit, log=None):
        """(whether it is green, CPU seconds); it ends at the first red."""
        env = dict(os.environ, LD_LIBRARY_PATH=place.lib, TMPDIR=place.tmp)
        if not self.fork:
            env["CK_FORK"] = "no"
        run = subprocess.Popen(
            ["prlimit", "--cpu=%d" % limit, "--core=0",
             "--as=%s" % ("unlimited" if self.wide else MEMORY),
             *self.command], cwd=place.src, env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True)
        # one that waits for ever uses no CPU time
        clock = threading.Timer(20 * limit + 60, stop_group, [run])
        clock.start()
        green = True
        try:
            for line in run.stdout:
                if log is not None:
                    log.append(line.decode(errors="replace"))
                if line.startswith(b"not ok"):
                    green = False
                    break
        finally:
            if not green:
                stop_group(run)
            _, status, used = os.wait4(run.pid, 0)
            run.returncode = status
            clock.cancel()
            stop_group(run)  # whatever it has started
            run.stdout.close()
        return green and status == 0, used.ru_utime + used.ru_stime


def stop_group(run):
    try:
        os.killpg(run.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Place:
    """Where one fault at a time is compiled and tested."""

    def __init__(self, tree, number):
        self.src = tree.src
        self.lib = os.path.join(tree.dir, "w%d" % number)
        self.tmp = os.path.join(self.lib, "tmp")
        self.tree = tree
        os.makedirs(self.tmp, exist_ok=True)

    def compile(self, path, text, to):
        """Whether |text|, as the file |path|, has become the object |to|."""
        source = os.path.join(self.lib, "fault.c")
        with open(source, "w", encoding="utf-8") as f:
            f.write('#line 1 "%s"\n%s' % (path, text))
        return subprocess.run(
            [*self.tree.cc, "-iquote", os.path.dirname(path), "-c", source,
             "-o", to], cwd=self.src, capture_output=True,
            check=False).returncode == 0

    def link(self, path=None, new=None):
        """The stack as a shared library, |new| in the place of |path|."""
        objects = [new if o == path else self.tree.object(o)
                   for o in self.tree.files]
        subprocess.run([*self.tree.ld, "-o",
                        os.path.join(self.lib, "libmutant.so"), *objects],
                       cwd=self.src, check=True)

    def plant(self, fault):
        """'planted', 'invalid' or 'same'."""
        path = fault.file
        text = self.tree.text[path]
        new = os.path.join(self.lib, "fault.o")
        old = self.tree.plain(self, path)
        if not self.compile(path, text[:fault.start] + fault.new +
                            text[fault.end:], new):
            return "invalid"
        with open(new, "rb") as a, open(old, "rb") as b:
            if a.read() == b.read():
                return "same"
        self.link(path, new)
        return "planted"


class Tree:
    """The copy of the working tree, and the test programs built in it."""

    def __init__(self, top, directory):
        self.dir = os.path.abspath(directory)
        self.src = os.path.join(self.dir, "src")
        self.build = os.path.join(self.dir, "b")
        self.lock = threading.Lock()
        os.chdir(top)
        names = subprocess.run(
            ["git", "ls-files", "-z", "lib", "test", "daemon", "doc",
             "examples", "scripts", "Makefile"], capture_output=True, check=True,
            text=True).stdout.split("\0")
        self.names = [n for n in names if n and os.path.isfile(n)]
        self.print = self.fingerprint()
        self.files = sorted(n for n in self.names if n.endswith(".c") and
                            os.path.dirname(n) in FOLDERS)
        self.text = {}
        for n in self.files:
            with open(n, encoding="utf-8") as f:
                self.text[n] = f.read()

    def fingerprint(self):
        """Of all that decides what a fault's tests say."""
        h = hashlib.sha256()
        for n in self.names:
            if n.startswith(("doc/", "scripts/", "test/mutate/")) or \
               n.endswith(".sh"):
                continue
            with open(n, "rb") as f:
                h.update(n.encode() + b"\0" + hashlib.sha256(f.read()).digest())
        return h.hexdigest()

    def object(self, path):
        return os.path.join(self.build, path[:-2] + ".o")

    def plain(self, place, path):
        """The object of a file as it is, compiled as one with a fault is."""
        at = os.path.join(self.dir, "plain", path.replace("/", "_")[:-2] + ".o")
        with self.lock:
            if not os.path.exists(at):
                os.makedirs(os.path.dirname(at), exist_ok=True)
                if not place.compile(path, self.text[path], at):
                    fail(path + " cannot be compiled")
        return at

    def make(self, *args):
        run = subprocess.run(
            ["make", "-s", "-k", "-j2", "Q=@", "O=" + self.build, "OPT=-O2",
             "SAN=", "COVER=", "CFLAGS=-fPIC -fno-semantic-interposition",
             *args], cwd=self.src, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if run.returncode:
            fail("the build failed:\n" + run.stdout[-2000:])
        return run.stdout

    def copy(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        for n in self.names:
            to = os.path.join(self.src, n)
            os.makedirs(os.path.dirname(to), exist_ok=True)
            shutil.copy(n, to)

    def commands(self):
        """How make would compile a file of the stack."""
        one = os.path.join(self.build, self.files[0][:-2] + ".o")
        text = self.make("-n", "-B", one)
        line = [s for s in text.splitlines() if " -c " in s][0]
        words = shlex.split(line.lstrip("@"))
        cut = words.index("-c")
        self.cc = [w for w in words[:cut] if w not in ("-MMD", "-MP")]
        self.ld = [self.cc[0], "-shared", "-Wl,-soname,libmutant.so"]

    def build_all(self, fresh):
        """The programs, linked to a shared stack that each place makes."""
        if fresh:
            say("Building a copy in %s ..." % self.dir)
            self.copy()
            self.make(os.path.join(self.build, "libtcpd.a"))
        self.commands()
        if not fresh:
            return
        # the tests find the stack where they look for it, but shared
        Place(self, 0).link()
        with open(os.path.join(self.build, "libtcpd.a"), "w",
                  encoding="utf-8") as f:
            f.write("INPUT(%s)\n" % os.path.join(self.dir, "w0",
                                                 "libmutant.so"))
        units = [os.path.join(self.build, "test/unit", n)
                 for n in self.unit_names()]
        self.make(*units, os.path.join(self.build, "test/script/run"),
                  os.path.join(self.build, "test/sim/sim"))

    def unit_names(self):
        return sorted(os.path.basename(n)[:-2] for n in self.names
                      if re.match(r"test/unit/test_\w+\.c\Z", n))

    def programs(self, seeds):
        """All of them; the first ones in the order in which they run."""
        sim = os.path.join(self.build, "test/sim/sim")
        scripts = sorted(n for n in self.names if n.endswith(".pkt"))
        yield Program("conversations", [
            os.path.join(self.build, "test/script/run"), "--complete",
            *scripts])
        yield Program("sim-200", [sim, "--seeds", "200"])
        for n in self.unit_names():
            yield Program("unit/" + n,
                          [os.path.join(self.build, "test/unit", n)])
        yield Program("sim-errnos", [sim, "--errnos"])
        yield Program("sim-memory", [sim, "--memory"])
        done = 200
        for upto in (2000, 6000, seeds):
            if done < upto <= seeds:
                yield Program("sim-%d" % upto, [
                    sim, "--first", str(done + 1), "--seeds", str(upto - done)])
                done = upto
