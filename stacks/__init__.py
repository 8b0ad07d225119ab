"""What is deployed: settings, fleet data and the single composition of the components."""
