"""Numbers of other systems, stored so that the tests can check against them without those."""
