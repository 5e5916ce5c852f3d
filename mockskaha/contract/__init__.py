"""The contract: ``openapi/skaha.yaml``, and what holds an answer to it."""

from mockskaha.contract.conformance import ResponseValidator
from mockskaha.contract.document import Operation, document_bytes, load_document, operations
from mockskaha.contract.violation import ContractViolation

__all__ = [
    "ContractViolation",
    "Operation",
    "ResponseValidator",
    "document_bytes",
    "load_document",
    "operations",
]
