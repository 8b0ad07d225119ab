"""What a testbed needs of the machine it runs on: packages, kernel features, disk, ports, a supervisor."""
