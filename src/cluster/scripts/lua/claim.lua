-- Takes the seats that nobody with a live session holds. What the session holds already it is granted again, with
-- the same epoch; in a quarantine nothing else.
-- Arguments: 5 key, 6 session, 7 floor, then at most 500 seats.
-- Returns `claimed`, seat and epoch of each that was granted, seat and holder's key (empty: nobody's) of each that was
-- not, and the quarantine; or `session`, `inactive`, or `quarantine` where it grants nothing.

local key, session, floor = ARGV[5], ARGV[6], tonumber(ARGV[7])
local quarantine = math.max(control.quarantine_until - control.clock, 0)
if not is_live(control, MEM, NFO, key, session) then return refused('session') end

-- One that is not active may only take part where nobody else is.
local me = member_of(key)
if me.state ~= 'active' and quarantine == 0 then
  local all = redis.call('HGETALL', NFO)
  for i = 1, #all, 2 do
    local member = parse_member(all[i + 1])
    if all[i] ~= key and member.state == 'active' and is_live(control, MEM, NFO, all[i], member.session) then
      return refused('inactive')
    end
  end
end

local live = {}
local function holds_on(spell)
  local who = spell.key .. '|' .. spell.session
  if live[who] == nil then live[who] = is_live(control, MEM, NFO, spell.key, spell.session) or false end
  return live[who]
end

local granted, taken = {}, {}
for i = 8, #ARGV do
  local seat = ARGV[i]
  local spell = redis.call('HGET', OWN, seat)
  spell = spell and parse_spell(spell)
  if spell and not holds_on(spell) then spell = nil end
  if spell and spell.key ~= key or not spell and quarantine > 0 then
    taken[#taken + 1] = seat
    taken[#taken + 1] = spell and spell.key or ''
  else
    local epoch = spell and spell.epoch
    if not epoch then
      epoch = next_epoch(floor)
      redis.call('HSET', OWN, seat, key .. '|' .. session .. '|' .. epoch)
      if seat == 'leader' then
        redis.call('RPUSH', CHANGES, whole(wall) .. '|' .. epoch .. '|' .. name_of(me))
        redis.call('LTRIM', CHANGES, -20, -1)
        hint('leader')
      end
    end
    granted[#granted + 1] = seat
    granted[#granted + 1] = epoch
  end
end
if quarantine > 0 and #granted == 0 then return refused('quarantine', quarantine) end
return finish({ 'claimed', granted, taken, whole(quarantine) })
