"""A headless Chromium, driven through chromedriver's WebDriver protocol.

Both are Debian packages, chromium and chromium-driver, which scripts/setup
installs. Where one is missing the test fails; it is never skipped.
"""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

# Of one command. A page of half a megabyte takes a second or two.
TIME_LIMIT_S = 60

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic",
         "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync",
         # A container's /dev/shm is small.
         "--disable-dev-shm-usage"]


class BrowserError(Exception):
    """What the driver or the page answered instead of a value."""


def program(name):
    found = shutil.which(name)
    if found is None:
        raise BrowserError(f"{name} is not installed; scripts/setup does it")
    return found


class Browser:
    """One window with a new profile; use it in a `with`."""

    def __init__(self, width=1280, height=900, dark=False):
        self.width, self.height, self.dark = width, height, dark
        self.session = None

    def __enter__(self):
        browser, driver = program("chromium"), program("chromedriver")
        self.profile = tempfile.TemporaryDirectory(
            prefix="freehold-browser-", ignore_cleanup_errors=True)
        # A port of 0 is any free one; the driver prints which.
        self.driver = subprocess.Popen(
            [driver, "--port=0"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, "HOME": self.profile.name})
        try:
            self.address = f"http://127.0.0.1:{self._port()}"
            # Whatever proxy the environment names is not for this machine.
            self.opener = urllib.request.build_opener(
                urllib.request.ProxyHandler({}))
            options = {
                "binary": browser,
                "args": FLAGS + [
                    f"--user-data-dir={self.profile.name}/profile",
                    f"--window-size={self.width},{self.height}"]}
            answer = self._ask("POST", "/session", {
                "capabilities": {"alwaysMatch": {
                    "browserName": "chrome",
                    "goog:chromeOptions": options,
                    "goog:loggingPrefs": {"browser": "ALL",
                                          "performance": "ALL"}}}})
            self.session = answer["sessionId"]
            self.devtools("Emulation.setEmulatedMedia", features=[
                {"name": "prefers-color-scheme",
                 "value": "dark" if self.dark else "light"}])
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        try:
            if self.session is not None:
                self._command("DELETE", "")
        except (BrowserError, OSError):
            pass  # It is ended below in any case.
        finally:
            self.driver.terminate()
            self.driver.wait(timeout=TIME_LIMIT_S)
            self.driver.stdout.close()
            self.profile.cleanup()

    def _port(self):
        for line in self.driver.stdout:
            if "started successfully on port" in line:
                return int(line.split()[-1].rstrip("."))
        raise BrowserError("chromedriver ended without naming its port")

    def _ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.address + path, data=data, method=method,
            headers={"Content-Type": "application/json"})
        try:
            with self.opener.open(request, timeout=TIME_LIMIT_S) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as why:
            with why:
                raise BrowserError(why.read().decode()) from None

    def _command(self, method, path, body=None):
        return self._ask(method, f"/session/{self.session}{path}", body)

    # -- what a test does -----------------------------------------------------

    def open(self, address):
        """Returns when the page has loaded."""
        self._command("POST", "/url", {"url": address})

    def run(self, script, *arguments):
        """What the function body `script` returns in the page."""
        return self._command("POST", "/execute/sync",
                             {"script": script, "args": list(arguments)})

    def type(self, selector, text):
        """Types into an element as a person would, key by key."""
        found = self._command("POST", "/element",
                              {"using": "css selector", "value": selector})
        element = next(iter(found.values()))
        self._command("POST", f"/element/{element}/value", {"text": text})

    def click(self, selector):
        found = self._command("POST", "/element",
                              {"using": "css selector", "value": selector})
        element = next(iter(found.values()))
        self._command("POST", f"/element/{element}/click", {})

    def log(self, kind):
        """`browser`: the console and script errors, since the last time."""
        return self._command("POST", "/se/log", {"type": kind})

    def requests(self):
        """The addresses that pages asked for, since the last time."""
        events = [json.loads(x["message"])["message"]
                  for x in self.log("performance")]
        return [x["params"]["request"]["url"] for x in events
                if x["method"] == "Network.requestWillBeSent"]

    def devtools(self, command, **parameters):
        return self._command("POST", "/goog/cdp/execute",
                             {"cmd": command, "params": parameters})

    def screenshot(self, file):
        image = self._command("GET", "/screenshot")
        with open(file, "wb") as out:
            out.write(base64.b64decode(image))
