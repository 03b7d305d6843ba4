-- Writes what an act has decided, if its writer still may and all that the act read is still so. Values are never
-- decoded here: a figure would not survive it. `guard` is defined above this script, see Guard in core/cluster.ts.
--
-- Keys: those of the guard, then those of the store.
-- Arguments: number of keys of the guard, number of arguments of the guard, those arguments, then one text for all
--   that follows, as any number of `<bytes>:<value>`, since no client sends hundreds of thousands of arguments:
--   number of checks, per check: index of a hash, field, and what it held: '' for nothing, else '=' and the value;
--   per write: number of arguments, command, index of the key, further arguments.
-- Returns: {'done'}, {'conflict'} where something was changed since, {'refused', why}. Nothing is written then.

local why = guard(KEYS, ARGV, 2)
if why then
  return { 'refused', why }
end

local text, start = ARGV[3 + tonumber(ARGV[2])], 1
local values, count = {}, 0
while start <= #text do
  local colon = string.find(text, ':', start, true)
  local bytes = tonumber(string.sub(text, start, colon - 1))
  count = count + 1
  values[count] = string.sub(text, colon + 1, colon + bytes)
  start = colon + bytes + 1
end

local at = 2
for _ = 1, tonumber(values[1]) do
  local value = redis.call('HGET', KEYS[tonumber(values[at])], values[at + 1])
  if (value and '=' .. value or '') ~= values[at + 2] then
    return { 'conflict' }
  end
  at = at + 3
end

while at <= count do
  local further = tonumber(values[at])
  redis.call(values[at + 1], KEYS[tonumber(values[at + 2])], unpack(values, at + 3, at + 2 + further))
  at = at + 3 + further
end
return { 'done' }
