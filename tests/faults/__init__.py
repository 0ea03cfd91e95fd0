"""What the warehouse must survive: each test names its row of the fault matrix."""
