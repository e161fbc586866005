-- Reads the documentation: code blocks, headings, the sections of the reference.

local lfs = require "lfs"

local docs = {}

--- The text of a file.
function docs.read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

-- The files of a folder with a suffix, sorted.
local function files_of(folder, ending)
  local list = {}
  for name in lfs.dir(folder) do
    if name:sub(-#ending) == ending then list[#list + 1] = folder .. "/" .. name end
  end
  table.sort(list)
  return list
end

--- The pages of the folder docs.
function docs.pages()
  local list = {}
  for _, folder in ipairs { "docs", "docs/guides", "docs/reference", "docs/contributing" } do
    for _, path in ipairs(files_of(folder, ".md")) do list[#list + 1] = path end
  end
  return list
end

--- All files of the documentation.
function docs.files()
  local list = { "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/llms.txt" }
  for _, path in ipairs(docs.pages()) do list[#list + 1] = path end
  return list
end

--- The fenced code blocks of a language in a file: `code`, and `name` with the line.
function docs.blocks(path, language)
  local list, text, position = {}, docs.read(path), 1
  while true do
    local from, to, code = text:find("```" .. language .. "\n(.-)```", position)
    if not from then return list end
    local _, line = text:sub(1, from):gsub("\n", "")
    list[#list + 1] = { code = code, name = path .. ":" .. line + 1 }
    position = to + 1
  end
end

--- The Lua blocks of a file. On a page of the reference, each continues the first one: `begin`.
function docs.examples(path)
  local list = docs.blocks(path, "lua")
  for i, block in ipairs(list) do
    block.begin = i > 1 and path:find("reference/", 1, true) and list[1].code or ""
  end
  return list
end

-- The anchor of a heading, as GitHub makes it.
local function anchor_of(heading)
  return (heading:lower():gsub("[^%w_%- \128-\255]", ""):gsub("…", ""):gsub(" ", "-"))
end

--- The anchors of a file's headings.
function docs.anchors(path)
  local anchors = {}
  for heading in ("\n" .. docs.read(path)):gmatch("\n#+ ([^\n]+)") do anchors[anchor_of(heading)] = true end
  return anchors
end

--- The page that `make reference` writes, from the annotations and the other pages.
docs.GENERATED = "docs/reference/functions.md"

--- The pages of the reference that are written by hand, in the order of its index.
function docs.reference_pages()
  local list = {}
  for page in docs.read("docs/reference/README.md"):gmatch "%]%((%l+%.md)%)" do
    local path = "docs/reference/" .. page
    if path ~= docs.GENERATED then list[#list + 1] = path end
  end
  list[#list + 1] = "docs/reference/README.md"
  return list
end

--- All pages of the reference that are written by hand, as one text.
function docs.reference()
  local pages = {}
  for i, path in ipairs(docs.reference_pages()) do pages[i] = docs.read(path) end
  return table.concat(pages, "\n")
end

--- The first heading of the reference with a text: { name, heading, path, anchor }.
---@param name string
---@return table
function docs.heading(name)
  for _, path in ipairs(docs.reference_pages()) do
    if docs.read(path):find("\n## " .. name .. "\n", 1, true) then
      return { name = name, heading = name, path = path, anchor = anchor_of(name) }
    end
  end
  error("no heading " .. name)
end

--- The headings of functions and constants in the reference, in its order: { name, heading, path, anchor }.
function docs.headings()
  local list = {}
  for _, path in ipairs(docs.reference_pages()) do
    for heading in docs.read(path):gmatch "\n### ([^\n]+)" do
      local name = heading:match "^[%w_.:]+"
      list[#list + 1] = { name = name, heading = heading, path = path, anchor = anchor_of(heading) }
    end
  end
  return list
end

--- The sections of the reference by the name in their heading: `### client.webhooks:create(…)`.
function docs.sections()
  local sections, name = {}, nil
  for line in docs.reference():gmatch("([^\n]*)\n") do
    if line:find("^##? ") then name = nil end
    local heading = line:match("^### ([%w_.:]+)")
    if heading then
      name = heading
      sections[name] = sections[name] or { text = "", count = 0 }
      sections[name].count = sections[name].count + 1
    elseif name then
      sections[name].text = sections[name].text .. line .. "\n"
    end
  end
  return sections
end

--- The text of the section of the reference with a name, such as `inbox:claim` or `Options of a call`.
function docs.section(name)
  local text, from, to = docs.reference(), nil, nil
  for marks, heading, at in text:gmatch "\n(##+) ([^\n]+)()" do
    if from then
      to = at - #marks - #heading - 2
      break
    elseif heading == name or heading:match "^[%w_.:]+" == name and marks == "###" then
      from = at
    end
  end
  return from and text:sub(from, to)
end

-- Classes of values that users pass or receive: the reference contains all their fields.
local PUBLIC = { "Error", "Response", "Delivery", "Outcome", "SyncPlan", "RateLimitClass", "ServerRequest",
  "Claim", "Entry", "StoredEntry", "InboxStats", "Settlement",
  "emulator.Delivery", "emulator.Attempt", "emulator.Request", "emulator.Fault", "TestDelivery" }

local function is_public(class)
  for _, name in ipairs(PUBLIC) do
    if name == class then return true end
  end
  return class:find("Options$") or class:find("Query$") or class:find("^Observed")
end

--- The public fields of those classes, by class.
function docs.annotated()
  local classes = {}
  for path in io.popen("find lua/apivideo -name '*.lua' | sort"):lines() do
    local class
    for line in docs.read(path):gmatch("[^\n]+") do
      local name, field = line:match("^%-%-%-@class apivideo%.([%w_.]+)"), line:match("^%-%-%-@field ([%w_]+)")
      if name then
        class = is_public(name) and name
        if class then classes[class] = {} end
      elseif field and class then
        table.insert(classes[class], field)
      elseif not line:find("^%-%-%-") then
        class = nil
      end
    end
  end
  return classes
end

return docs
