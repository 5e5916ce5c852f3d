"""Who calls: accounts, credentials, and what is answered to callers who did not say who they are."""

from mockskaha.auth.authenticator import Authenticator, AuthRules, KnownToken
from mockskaha.auth.challenge import ChallengeManager, challenges
from mockskaha.auth.directory import Account, Directory, is_username

__all__ = [
    "Account",
    "AuthRules",
    "Authenticator",
    "ChallengeManager",
    "Directory",
    "KnownToken",
    "challenges",
    "is_username",
]
