--- Writes an SVG that shows a command and its output as a terminal does, line by line: tools/cast.lua COMMAND. The lines
--- appear at a pace at which they can be read, not at the one of the command.

local COLUMNS, LINE_HEIGHT, CHAR_WIDTH, PADDING = 96, 17, 7.83, 16 -- 13 px of a monospaced font
local STEP_S, REST_S = 0.35, 6 -- between two lines, and after the last one before it repeats

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }

local function escaped(text)
  return (text:gsub("[&<>]", ESCAPES))
end

-- The class of a line, by what it says.
local function class_of(line)
  if line:find "^%$ " then return "command" end
  if line:find " warn apivideo: rejected" then return "rejected" end
  return line:find "^  <%- " and "event" or "text"
end

-- Appends a line in parts that fit, the later ones indented.
local function add(lines, line)
  local class = class_of(line)
  while #line > COLUMNS do
    local head = line:sub(1, COLUMNS):match "^(.+)%s%S*$" or line:sub(1, COLUMNS)
    lines[#lines + 1] = { text = head, class = class }
    line = "    " .. line:sub(#head + 1):gsub("^%s+", "")
  end
  lines[#lines + 1] = { text = line, class = class }
end

-- The command and the lines that it prints.
local function session(command)
  local lines = {}
  add(lines, "$ " .. command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  for line in pipe:lines() do add(lines, line) end
  assert(pipe:close(), "the command failed")
  return lines
end

local STYLE = [[
  svg { color-scheme: light dark; font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
  rect { fill: light-dark(#f6f8fa, #0d1117); stroke: light-dark(#d0d7de, #30363d); }
  text { fill: light-dark(#24292f, #c9d1d9); white-space: pre; animation: show %gs steps(1) infinite; }
  .command { fill: light-dark(#0550ae, #79c0ff); font-weight: bold; }
  .event { fill: light-dark(#116329, #7ee787); }
  .rejected { fill: light-dark(#a40e26, #ff7b72); }
  @media (prefers-reduced-motion: reduce) { text { animation: none; } }
]]

-- Each line is invisible until its time: an animation of its own, since all have the duration of the whole.
local function animations(count, duration)
  local parts = {}
  for i = 1, count do
    local share = (i - 1) * STEP_S / duration * 100
    parts[i] = ("  @keyframes l%d { 0%% { opacity: 0 } %.2f%% { opacity: 1 } }\n  #l%d { animation-name: l%d }\n")
      :format(i, share, i, i)
  end
  return table.concat(parts)
end

local function svg(lines)
  local duration = #lines * STEP_S + REST_S
  local width, height = COLUMNS * CHAR_WIDTH + 2 * PADDING, #lines * LINE_HEIGHT + 2 * PADDING
  local parts = {
    ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" role="img" aria-label="%s">\n<style>\n')
      :format(width, height, escaped(lines[1].text):gsub('"', "&quot;")),
    STYLE:format(duration), animations(#lines, duration), "</style>\n",
    ('<rect x="0.5" y="0.5" width="%.0f" height="%.0f" rx="8"/>\n'):format(width - 1, height - 1),
  }
  for i, line in ipairs(lines) do
    parts[#parts + 1] = ('<text id="l%d" class="%s" x="%d" y="%d">%s</text>\n'):format(i, line.class, PADDING,
      PADDING + i * LINE_HEIGHT - 4, escaped(line.text))
  end
  parts[#parts + 1] = "</svg>\n"
  return table.concat(parts)
end

io.stdout:write(svg(session(arg[1])))
