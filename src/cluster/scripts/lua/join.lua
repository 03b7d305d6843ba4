-- Begins a session: a member that will be active soon. A key that joins again begins anew.
-- Arguments: 5 key, 6 info, 7 floor, 8 settle, 9 batch.
-- Returns a heartbeat, or `duplicate` while another live member has this name.

local key, info, floor, settle, batch = ARGV[5], ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local name = cjson.decode(info).name

local gone, taken_until = {}, control.clock
local all = redis.call('HGETALL', NFO)
for i = 1, #all, 2 do
  local other, member = all[i], parse_member(all[i + 1])
  if other == key then
    gone[other] = member
  elseif name_of(member) == name then
    gone[other] = member
    taken_until = math.max(taken_until, tonumber(redis.call('ZSCORE', MEM, other) or '0'))
  end
end
if taken_until > control.clock then return refused('duplicate', taken_until - control.clock) end

for other, member in pairs(gone) do forget(other, member) end
local session = next_epoch(floor)
local active_at = math.ceil((control.clock + settle) / batch) * batch
write_member(key, { session = session, state = 'joining', active_at = active_at, info = info })
redis.call('ZADD', MEM, whole(control.clock + lease), key)
redis.call('HDEL', LOST, name)
changed()
return beat('joined', session, '')
