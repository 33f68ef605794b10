"""Whether torch's XNNPACK is there: it is not."""

enabled = False
