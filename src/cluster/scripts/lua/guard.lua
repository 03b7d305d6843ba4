-- Whether the writer still has what it writes with. Says why not: `fence`, `generation`, `session` or `seat`.
-- Keys: 1 ctl, 2 mem, 3 nfo, 4 own. Arguments, after `offset`: server, generation, key, session, seat, epoch.
local server, generation, key = args[offset + 1], args[offset + 2], args[offset + 3]
local session, seat, epoch = args[offset + 4], args[offset + 5], args[offset + 6]
if seat == '' then return 'fence' end
local control = read_control(keys[1])
if not control or control.generation ~= generation then return 'generation' end
advance(control, (wall_time()), server)
write_control(keys[1], control)
if not is_live(control, keys[2], keys[3], key, session) then return 'session' end
if seat == 'node' then
  if epoch ~= session then return 'seat' end
  return nil
end
if redis.call('HGET', keys[4], seat) ~= key .. '|' .. session .. '|' .. epoch then return 'seat' end
return nil
