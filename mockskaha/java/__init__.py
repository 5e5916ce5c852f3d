"""What Java prints and reads, where Skaha's answers show it: numbers, times, hash order, resource texts."""

from mockskaha.java.hashing import hash_set_order, string_hash
from mockskaha.java.moment import instant, offset_datetime
from mockskaha.java.number import double_text, parse_double, parse_int, truncated_int
from mockskaha.java.quantity import cluster_ram, decimal_gb, request_cores, usage_cores

__all__ = [
    "cluster_ram",
    "decimal_gb",
    "double_text",
    "hash_set_order",
    "instant",
    "offset_datetime",
    "parse_double",
    "parse_int",
    "request_cores",
    "string_hash",
    "truncated_int",
    "usage_cores",
]
