"""How pytest spreads the checks over its workers: whole files, but each chapter by itself."""

from xdist.scheduler import LoadFileScheduling


class WholeFiles(LoadFileScheduling):
    """A file's tests share what is costly to make; chapters share nothing and fill the gaps at the end."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith("tests/test_chapters.py") else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config, log):
    return WholeFiles(config, log)
