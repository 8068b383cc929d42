# callgrind format
version: 1
creator: elixir_scope
desc: Missing: 3 events were lost; =we;ird%0D%0A"name" %25{x}%09(1),';<&# 日本 end is missing ({:node_unavailable, :x}); there are more events than the limit
desc: Calls of unknown time: 2
cmd: elixir_scope
positions: line
events: Nanoseconds
summary: 1000

ob=(1) a@host
fl=(1) Shop
fn=(1) Shop.buy/2
0 300
cob=(1)
cfi=(2) Shop.Größe
cfn=(2) Shop.Größe.price!/1
calls=1 0
0 200
cob=(1)
cfi=(3) [waiting]
cfn=(3) [waiting]
calls=1 0
0 500

ob=(1)
fl=(2)
fn=(2)
0 200

ob=(1)
fl=(4) :audit
fn=(4) :audit.run/0
0 0

ob=(1)
fl=(3)
fn=(3)
0 300
cob=(2) b@höst
cfi=(5) :"Elixir.a;b"
cfn=(5) :"Elixir.a;b"."=we;ird\r\n\"name\" %25{x}\t(1),';<&#\u{2028}日本 end"/0
calls=1 0
0 200

ob=(2)
fl=(5)
fn=(5)
0 200

