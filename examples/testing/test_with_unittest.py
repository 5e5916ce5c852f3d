"""unittest, or any other framework: a context manager."""

import unittest
from unittest.mock import patch

import fits

from mockskaha import testing


class FitsTest(unittest.TestCase):
    def setUp(self):
        self.skaha = self.enterContext(testing.skaha())
        self.enterContext(patch("time.sleep", self.skaha.advance))
        self.client = self.skaha.client("bob")

    def test_all_galaxies_are_fitted(self):
        jobs = fits.submit(self.client, ["m31", "m33"])
        fits.wait(self.client, jobs)
        self.skaha.journal.assert_called("createSession", times=2, user="bob")

    def test_a_job_that_runs_too_long_is_ended_after_two_weeks(self):
        session_id = self.skaha.launch("sleep", "30d", user="bob")
        self.skaha.until(session_id, "Failed", within="15d")
        with self.assertRaises(fits.FitFailed):
            fits.wait(self.client, {"m31": session_id})


class LiveTest(unittest.TestCase):
    """For what is no Python of this process: a server in a thread."""

    def test_another_program_reaches_it(self):
        with testing.serve(profile="instant") as server:
            self.assertTrue(server.url.startswith("http://127.0.0.1:"))
            self.assertEqual(server.environment()["CANFAR_TOKEN"], "alice")
            self.assertEqual(server.client().get("/session").json(), [])


if __name__ == "__main__":
    unittest.main()
