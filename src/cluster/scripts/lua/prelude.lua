-- What the scripts of the coordinator begin with, after clock.lua.
-- Keys: 1 ctl, 2 mem, 3 nfo, 4 own, 5 vit, 6 lost, 7 chg.
-- Arguments: 1 the server's run id, 2 lease, 3 clock step, 4 the channel of hints; a script's own begin with 5.

local CTL, MEM, NFO, OWN, VIT, LOST, CHANGES = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local wall, micros = wall_time()
local lease = tonumber(ARGV[2])
local control = read_control(CTL)
if not control then
  control = {
    generation = string.sub(ARGV[1], 1, 8) .. '-' .. whole(micros),
    server = ARGV[1],
    raw = wall,
    clock = 0,
    quarantine_until = lease,
    epoch = 0,
    version = 0,
    ring_version = 0,
  }
end
control.lease, control.step = lease, tonumber(ARGV[3])
advance(control, wall, ARGV[1])

-- Every script ends with this, or what it did to the control record is lost.
local function finish(reply)
  write_control(CTL, control)
  return reply
end

local function refused(why, wait)
  return finish({ 'refused', why, whole(wait or 0) })
end

-- Only a hint, nothing depends on it: a user that may not publish is no fault.
local function hint(what)
  redis.pcall('PUBLISH', ARGV[4], what)
end

local function next_epoch(floor)
  control.epoch = math.max(control.epoch + 1, floor + 1, wall)
  return whole(control.epoch)
end

local function parse_member(value)
  local session, state, active_at, info = string.match(value, '^(%d+)|(%a+)|(%d+)|(.*)$')
  return { session = session, state = state, active_at = tonumber(active_at), info = info }
end

local function member_of(key)
  local value = redis.call('HGET', NFO, key)
  return value and parse_member(value)
end

local function write_member(key, member)
  redis.call('HSET', NFO, key,
    member.session .. '|' .. member.state .. '|' .. whole(member.active_at) .. '|' .. member.info)
end

local function name_of(member)
  return cjson.decode(member.info).name
end

-- Its seats are free from now on: no session stands behind them.
local function forget(key, member)
  if member.state == 'active' then control.ring_version = control.ring_version + 1 end
  redis.call('ZREM', MEM, key)
  redis.call('HDEL', NFO, key)
  redis.call('HDEL', VIT, key)
end

local function changed()
  control.version = control.version + 1
  hint('members')
end

-- An entry of `own` is `key|session|epoch`.
local function parse_spell(value)
  local key, session, epoch = string.match(value, '^(.*)|(%d+)|(%d+)$')
  return { key = key, session = session, epoch = epoch }
end

-- Whether the seat is that of this session, granted with the epoch `up_to` or one before.
local function is_spent(spell, key, session, up_to)
  return spell.key == key and spell.session == session and tonumber(spell.epoch) <= up_to
end

-- What every heartbeat is told. `known`: the version of the members that the asker has; they come again if it is
-- another one, as key, state, info, key, state, info and so on.
local function beat(kind, session, known)
  local leader = { '', '', '0' }
  local spell = redis.call('HGET', OWN, 'leader')
  if spell then
    spell = parse_spell(spell)
    if is_live(control, MEM, NFO, spell.key, spell.session) then
      leader = { spell.key, name_of(member_of(spell.key)), spell.epoch }
    end
  end
  local members = false
  if known ~= whole(control.version) then
    members = {}
    local all = redis.call('HGETALL', NFO)
    for i = 1, #all, 2 do
      local member = parse_member(all[i + 1])
      members[#members + 1] = all[i]
      members[#members + 1] = member.state
      members[#members + 1] = member.info
    end
  end
  return finish({
    kind,
    control.generation,
    control.server,
    session,
    whole(control.clock),
    whole(control.epoch),
    whole(math.max(control.quarantine_until - control.clock, 0)),
    whole(control.version),
    whole(control.ring_version),
    whole(wall),
    leader,
    members,
  })
end
