--- Faults of deliveries: some are lost, late, repeated, or overtaken by the next one. A generator decides them in the
--- order in which the deliveries begin; with the same seed, it decides the same.

local checks = require "apivideo.util.checks"
local random = require "apivideo.util.random"
local runtime = require "apivideo.runtime"
local signature = require("apivideo.core").signature

local MODULUS, MULTIPLIER = 2147483647, 16807 -- of a Lehmer generator: math.random differs between Luas
local STATE_DIGITS = 7 -- hexadecimal, of the first state: less than the modulus
local OVERTAKEN_MAX_S = 1 -- how long a delivery waits for the next one, which may never come

---@class apivideo.DeliveryOptions
---@field lose? number the probability that a delivery is never sent, default 0
---@field delay? number seconds: each delivery is late by a random part of them, default 0
---@field duplicate? number the probability that a delivery is sent a second time, default 0
---@field reorder? number the probability that the next delivery to the webhook overtakes a delivery, default 0
---@field seed? integer default random

local KNOWN_OPTIONS = {
  lose = "number>=0<=1?", delay = "seconds>=0<=86400?", duplicate = "number>=0<=1?", reorder = "number>=0<=1?",
  seed = "integer>=1<=2147483646?",
}

---@class apivideo.emulator.DeliveryFaults
---@field private _options apivideo.DeliveryOptions
---@field private _state integer of the generator
---@field private _overtaken table<string, apivideo.Latch> webhook -> opens when its next delivery has ended
local DeliveryFaults = {}
DeliveryFaults.__index = DeliveryFaults
DeliveryFaults.__name = "apivideo.emulator.DeliveryFaults"

---@class apivideo.emulator.DeliveryFault what happens to one delivery
---@field is_lost boolean
---@field is_repeated boolean
---@field delay number seconds
---@field overtaken_by? apivideo.Latch opens when the next delivery to the webhook has ended
---@field overtakes? apivideo.Latch to be opened when this delivery has ended

-- A number from 0 to 1.
local function draw(self)
  self._state = self._state * MULTIPLIER % MODULUS
  return self._state / MODULUS
end

--- Decides what happens to the next delivery. The numbers that are drawn do not depend on the options.
---@param webhookId string
---@return apivideo.emulator.DeliveryFault
function DeliveryFaults:next(webhookId)
  local options = self._options
  local function happens(probability) return draw(self) < (probability or 0) end
  local fault = { is_lost = happens(options.lose), is_repeated = happens(options.duplicate) }
  fault.delay = draw(self) * (options.delay or 0)
  local is_overtaken = happens(options.reorder)
  if fault.is_lost then return fault end
  fault.overtakes, self._overtaken[webhookId] = self._overtaken[webhookId], nil
  if is_overtaken then
    fault.overtaken_by = runtime.latch()
    self._overtaken[webhookId] = fault.overtaken_by
  end
  return fault
end

local delivery_faults = {}

--- The fault of a delivery without one.
---@type apivideo.emulator.DeliveryFault
delivery_faults.NONE = { is_lost = false, is_repeated = false, delay = 0 }

--- Waits as long as a fault delays its delivery.
---@param fault apivideo.emulator.DeliveryFault
---@param cancel apivideo.Latch
function delivery_faults.wait(fault, cancel)
  if fault.delay > 0 then cancel:wait(fault.delay) end
  if fault.overtaken_by then fault.overtaken_by:wait(OVERTAKEN_MAX_S, cancel) end
end

--- Creates the faults of an emulator's deliveries.
---@param where string for messages
---@param options apivideo.DeliveryOptions
---@param level integer at which it raises for invalid options, as seen from here
---@return apivideo.emulator.DeliveryFaults
function delivery_faults.new(where, options, level)
  checks.options(where, options, KNOWN_OPTIONS, level + 1)
  local seed = options.seed or 1 + math.floor(random.fraction() * (MODULUS - 2))
  -- Similar states have similar first numbers. The digests of similar seeds are not similar.
  local digest = signature.sign(("%d"):format(seed), "deliveries")
  local state = 1 + tonumber(digest:sub(1, STATE_DIGITS), 16)
  return setmetatable({ _options = options, _state = state, _overtaken = {} }, DeliveryFaults)
end

return delivery_faults
