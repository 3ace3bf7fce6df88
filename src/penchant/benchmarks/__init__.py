"""The runs behind every number in the docs: `penchant bench NAME`."""
