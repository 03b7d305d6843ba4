-- The control record and who is alive, for every script. Times are milliseconds, numbers are whole.

-- `tostring` would round an epoch.
local function whole(number)
  return string.format('%.0f', number)
end

-- What `ctl` says; nil where there are no data.
local function read_control(ctl)
  local field = redis.call('HMGET', ctl, 'gen', 'srv', 'raw', 'lc', 'q', 'epoch', 'ver', 'rver', 'lease', 'step')
  if not field[1] then return nil end
  return {
    generation = field[1],
    server = field[2],
    raw = tonumber(field[3]),
    clock = tonumber(field[4]),
    quarantine_until = tonumber(field[5]),
    epoch = tonumber(field[6]),
    version = tonumber(field[7]),
    ring_version = tonumber(field[8]),
    lease = tonumber(field[9]),
    step = tonumber(field[10]),
  }
end

local function write_control(ctl, control)
  redis.call('HSET', ctl,
    'gen', control.generation,
    'srv', control.server,
    'raw', whole(control.raw),
    'lc', whole(control.clock),
    'q', whole(control.quarantine_until),
    'epoch', whole(control.epoch),
    'ver', whole(control.version),
    'rver', whole(control.ring_version),
    'lease', whole(control.lease),
    'step', whole(control.step))
end

-- The server's own clock, and the same in microseconds.
local function wall_time()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000), time[1] * 1000000 + time[2]
end

-- The lease clock goes on by what the server's clock did, but never back and never by more than a step: a jump of
-- that clock, or a pause of the whole server, ends nobody's session. Another server may have lost what the last one
-- knew: for one lease nobody takes over.
local function advance(control, wall, server)
  control.clock = control.clock + math.min(math.max(wall - control.raw, 0), control.step)
  control.raw = wall
  if server ~= '' and server ~= control.server then
    control.server = server
    control.quarantine_until = control.clock + control.lease
  end
end

-- `session`: its digits. An entry of `nfo` is `session|state|when it may be active|info`.
local function is_live(control, mem, nfo, key, session)
  local deadline = redis.call('ZSCORE', mem, key)
  if not deadline or tonumber(deadline) <= control.clock then return false end
  local known = redis.call('HGET', nfo, key)
  return known and string.match(known, '^%d+') == session
end
