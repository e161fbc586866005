--- Writes the page of the reference with all functions and options: tools/with-lua 5.4 tools/reference.lua

package.path = package.path .. ";./?.lua"

local docs = require "spec.support.docs"
local file = require "spec.support.file"

file.write(docs.GENERATED, require("spec.support.reference").text())
