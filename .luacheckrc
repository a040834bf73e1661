std = "luajit"
max_line_length = 120
files["tests"] = { std = "+busted" }
files["scripts"] = { globals = {}, read_globals = { "arg" } }
