"""Reports: figures with their tables, on one page that needs no network."""

from skahasim.report.material import Material, NoMaterial, load, material
from skahasim.report.writing import write

__all__ = ["Material", "NoMaterial", "load", "material", "write"]
