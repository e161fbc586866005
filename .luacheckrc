std = "max"
max_line_length = 120
max_comment_line_length = false -- an annotation is one line
files["spec"] = { std = "max+busted" }
files["types"] = { unused = false } -- stubs
files["lua/apivideo/page/assets"] = { max_line_length = false } -- a rule of the style, and a template, is one line
files["spec/mutants"] = { max_line_length = false } -- a change is one line
for _, path in ipairs { "lua/apivideo/runtime/host.lua", "examples/nginx" } do
  files[path] = { read_globals = { "ngx" } }
end
