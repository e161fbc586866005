--- Common parts of the drawings: elements, and colours for light and dark pages.

local svg = {}

svg.WIDTH = 1060

local STYLE = [[
text { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", Helvetica, Arial, sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 }
.head { font-weight: 600 }
.small { font-size: 10.5px; fill: #59636e }
.muted { fill: #59636e }
.right { text-anchor: end }
.middle { text-anchor: middle }
.page { fill: #ffffff }
.line { stroke: #1f2328; fill: none }
.grid { stroke: #d1d9e0; fill: none }
.met { fill: #0072b2 }
.missed { fill: #d55e00 }
.curve { stroke: #0072b2; stroke-width: 1.5; fill: none; stroke-opacity: .75 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .small, .muted { fill: #9198a1 }
  .page { fill: #0d1117 }
  .line { stroke: #f0f6fc }
  .grid { stroke: #3d444d }
  .met { fill: #4ba3e3 }
  .missed { fill: #f0883e }
  .curve { stroke: #4ba3e3 }
}
]]

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

--- Escapes a text for an element or an attribute.
---@param text string
---@return string
function svg.escape(text)
  return (text:gsub("%c", " "):gsub('[&<>"]', entities))
end

local function written(value)
  return type(value) == "number" and ("%.1f"):format(value):gsub("%.0$", "") or svg.escape(value)
end

--- An element.
---@param name string
---@param attributes table<string, string|number>
---@param content? string markup
---@return string
function svg.element(name, attributes, content)
  local names, parts = {}, { "<" .. name }
  for attribute in pairs(attributes) do names[#names + 1] = attribute end
  table.sort(names)
  for _, attribute in ipairs(names) do
    parts[#parts + 1] = (' %s="%s"'):format(attribute, (written(attributes[attribute])))
  end
  parts[#parts + 1] = content and (">%s</%s>"):format(content, name) or "/>"
  return table.concat(parts)
end

---@param x number
---@param y number of the line that the letters stand on
---@param class string
---@param text string
---@return string
function svg.text(x, y, class, text)
  return svg.element("text", { x = x, y = y, class = class }, svg.escape(text))
end

---@return string
function svg.line(x1, y1, x2, y2, class)
  return svg.element("line", { x1 = x1, y1 = y1, x2 = x2, y2 = y2, class = class })
end

--- Truncates a text.
---@param text string
---@param most integer
---@return string
function svg.shortened(text, most)
  local _, length = text:gsub("[^\128-\191]", "")
  if length <= most then return text end
  return text:match("^" .. ("[^\128-\191][\128-\191]*"):rep(most - 1)) .. "…"
end

--- A drawing.
---@param height number
---@param title string
---@param description string alternative text
---@param elements string[]
---@return string
function svg.drawing(height, title, description, elements)
  return table.concat {
    ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" '
      .. 'aria-labelledby="title description">\n'):format(svg.WIDTH, height, svg.WIDTH, height),
    svg.element("title", { id = "title" }, svg.escape(title)), "\n",
    svg.element("desc", { id = "description" }, svg.escape(description)), "\n",
    "<style>\n", STYLE, "</style>\n",
    svg.element("rect", { class = "page", width = "100%", height = "100%", rx = 6 }), "\n",
    table.concat(elements, "\n"), "\n</svg>\n",
  }
end

return svg
