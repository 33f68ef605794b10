"""Which of torch's libraries would multiply whole numbers with scales: a setting that is kept."""

engine = "x86"
supported_engines = ["qnnpack", "onednn", "x86", "fbgemm"]
