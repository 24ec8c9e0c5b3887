"""How nbval compares a stored chapter with a fresh run: text strictly, pictures by their printed numbers."""


def pytest_collectstart(collector):
    if collector.fspath and collector.fspath.ext == ".ipynb":
        collector.skip_compare += ("image/png", "image/svg+xml")
