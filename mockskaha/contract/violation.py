"""What is said when an answer and the contract disagree."""


class ContractViolation(AssertionError):
    """An answer the contract does not know. The text names operation, status and reason."""
