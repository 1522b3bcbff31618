from hypothesis import HealthCheck, settings

# How quickly examples are made says something of the machine, not of the code.
settings.register_profile(
    "ours", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ours")
