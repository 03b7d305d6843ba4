-- Out of the ring; session and seats stay.
-- Arguments: 5 key, 6 session. Returns `done`, or `session`.

local key, session = ARGV[5], ARGV[6]
if not is_live(control, MEM, NFO, key, session) then return refused('session') end
local member = member_of(key)
if member.state ~= 'leaving' then
  if member.state == 'active' then control.ring_version = control.ring_version + 1 end
  member.state = 'leaving'
  write_member(key, member)
  changed()
end
return finish({ 'done' })
