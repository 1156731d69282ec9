"""`pip wheel ./python` against an installed charrnn; the wheel has the whole package and works once installed."""

import os
import pathlib
import subprocess
import sys
import unittest
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "end_to_end"))
from charrnn_cli import ROOT, ToolTest


class WheelTest(ToolTest):
    def succeed_in(self, folder, *command, **more):
        done = subprocess.run([str(word) for word in command], cwd=folder, env=dict(os.environ, **more), capture_output=True,
                              text=True, timeout=800, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_a_wheel(self):
        kept = pathlib.Path(os.environ["CHARRNN_BUILD"]) / "wheel_test"  # the next time only what has changed is compiled
        installed, wheels, site = kept / "charrnn", self.folder / "wheels", self.folder / "site"
        self.succeed_in(self.folder, "cmake", "--install", os.environ["CHARRNN_BUILD"], "--prefix", installed,
                        "--component", "development")
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        self.succeed_in(self.folder, *pip, "wheel", "--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", wheels,
                        "--config-settings", f"build-dir={kept}/build",
                        "--config-settings", f"cmake.define.charrnn_ROOT={installed}", ROOT / "python")
        (wheel,) = wheels.iterdir()
        names = zipfile.ZipFile(wheel).namelist()
        ours = {path.name for path in (ROOT / "python" / "charrnn").iterdir() if path.suffix in (".py", ".pyi", ".typed")}
        self.assertGreater(len(ours), 8)
        self.assertLessEqual({f"charrnn/{name}" for name in ours | {"_build.py"}}, set(names))
        self.assertEqual(sum(name.endswith(".so") for name in names), 1, names)
        self.assertEqual([name for name in names if not name.startswith(("charrnn/", "charrnn-"))], [])

        self.succeed_in(self.folder, *pip, "install", "--no-deps", "--no-index", "--target", site, wheel)
        (module,) = (site / "charrnn").glob("*.so")
        self.assertNotRegex(self.succeed_in(self.folder, "readelf", "-d", module), "RPATH|RUNPATH|libcharrnn|libmpi")
        run = self.train(train__steps=3)
        code = ("import sys, charrnn; assert charrnn.__file__.startswith(sys.argv[1]), charrnn.__file__; "
                "print(charrnn.__version__); print('The ' + charrnn.open(sys.argv[2]).sample('The ', length=30, seed=4))")
        shown = self.succeed_in(self.folder, sys.executable, "-c", code, site, run, PYTHONPATH=str(site))
        expected = self.succeed("charrnn_sample", run, "--prefix", "The ", "-n", 30, "--seed", 4).stdout
        version = self.succeed("charrnn_sample", "--version").stdout.split()[1]
        self.assertEqual(shown, f"{version}\n{expected}")


if __name__ == "__main__":
    unittest.main()
