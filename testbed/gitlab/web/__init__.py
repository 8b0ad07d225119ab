"""The double's web page: what is in the forge, for people; see `serving.page`."""
