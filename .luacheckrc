std = "max"
max_line_length = 120
max_comment_line_length = false -- an annotation is one line
files["spec"] = { std = "max+busted" }
