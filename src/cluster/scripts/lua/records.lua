-- What all members have written down, as it lies there. Reports and members that vanished are forgotten when they
-- are old.
-- Keys: those of the prelude, 8 iso. Arguments: 1 for how long a member that vanished is remembered.
-- Returns nothing where there are no data; else wall, lease clock, lease, quarantine, and the contents of mem, nfo,
-- own, vit, lost, chg and iso.

local control = read_control(KEYS[1])
if not control then return nil end
local wall = wall_time()
advance(control, wall, '')
write_control(KEYS[1], control)

local function forget_old(key, age)
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local at = string.match(all[i + 1], '^(%d+)|')
    if not at or wall - at > age then redis.call('HDEL', key, all[i]) end
  end
end
forget_old(KEYS[6], tonumber(ARGV[1]))
forget_old(KEYS[8], 60000)

return {
  whole(wall),
  whole(control.clock),
  whole(control.lease),
  whole(math.max(control.quarantine_until - control.clock, 0)),
  redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES'),
  redis.call('HGETALL', KEYS[3]),
  redis.call('HGETALL', KEYS[4]),
  redis.call('HGETALL', KEYS[5]),
  redis.call('HGETALL', KEYS[6]),
  redis.call('LRANGE', KEYS[7], 0, -1),
  redis.call('HGETALL', KEYS[8]),
}
