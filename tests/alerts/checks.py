"""The checks that an operator's own environment gives."""

from probe.config.check_plan import make_plan
from probe.core.environment import Variables
from probe.core.kind import Check
from probe.kinds import KINDS

ENVIRONMENT = {
    "BACKEND_URL": "https://paircam.live",
    "FRONTEND_URL": "https://paircam.live",
    "JWT_SECRET": "of-no-use",
    "TURN_URLS": "stun:a.example:3478,turn:a.example:3478,turn:a.example:3478?transport=tcp",
    "TURN_USERNAME": "u",
    "TURN_PASSWORD": "of-no-use",
    "TURN_BACKUP_URLS": "turn:b.example:3478",
    "TURN_BACKUP_USERNAME": "u",
    "TURN_BACKUP_PASSWORD": "of-no-use",
    "FLY_API_TOKEN": "FlyV1 fm2_of-no-use",
    "FLY_ORG": "personal",
    "FLY_APP": "paircam",
    "PROBE_JOURNEY": "true",
    "PROBE_PEERS": "https://probe.example",
    "PROBE_PEER_TOKEN": "of-no-use-at-all",
    "APP_METRICS_URL": "https://paircam.live/metrics",
    "DATABASE_URL": "postgresql://u:of-no-use@db.example/paircam?sslmode=require",
    "REDIS_URL": "rediss://default:of-no-use@redis.example:6379",
    "METERED_APP": "paircam",
    "METERED_SECRET_KEY": "of-no-use",
    "PROBE_DOMAINS": "paircam.live",
}


def plan_of_everything() -> list[Check]:
    """A backend, a frontend, two TURN providers."""
    return list(make_plan(KINDS, Variables(ENVIRONMENT), {}).checks)
