"""How the property tests are run."""

from hypothesis import HealthCheck, settings

# No deadline for a single example, and no complaint that examples are slow to make: on a busy machine either would
# fail a test that is right. The examples are the same on every run, so that a failure can be seen again.
settings.register_profile(
    "casebook", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("casebook")
