defmodule ElixirScope.Distributed.Debug.Adapter.ProtocolTest do
  use ExUnit.Case, async: true
  doctest ElixirScope.Distributed.Debug.Adapter.Protocol

  import ElixirScope.Distributed.Case.Gen

  alias ElixirScope.Distributed.Debug.Adapter.{Json, Protocol}

  defp bytes(iodata), do: IO.iodata_to_binary(iodata)
  defp request(seq, command \\ "threads", arguments \\ %{})

  defp request(seq, command, arguments),
    do: seq |> Protocol.request(command, arguments) |> bytes()

  defp framed(body), do: "Content-Length: #{byte_size(body)}\r\n\r\n#{body}"
  defp read(bytes, bounds \\ []), do: bounds |> Protocol.new() |> Protocol.feed(bytes) |> elem(0)

  # In pieces of these sizes, over and over.
  defp pieces(<<>>, _sizes), do: []

  defp pieces(bytes, [size | sizes]) do
    size = min(max(size, 1), byte_size(bytes))
    rest = binary_part(bytes, size, byte_size(bytes) - size)
    [binary_part(bytes, 0, size) | pieces(rest, sizes ++ [size])]
  end

  defp fed(bytes, sizes, state \\ Protocol.new()) do
    Enum.reduce(pieces(bytes, sizes ++ [64]), {[], state}, fn piece, {found, state} ->
      {more, state} = Protocol.feed(state, piece)
      {found ++ more, state}
    end)
  end

  describe "reading" do
    test "requests, with arguments or without" do
      assert [{:request, %{seq: 1, command: "initialize", arguments: %{"adapterID" => "é"}}}] =
               read(request(1, "initialize", %{"adapterID" => "é"}))

      bare = framed(~S({"seq":2,"type":"request","command":"threads"}))
      null = framed(~S({"seq":3,"type":"request","command":"threads","arguments":null}))
      assert [{:request, %{seq: 2, arguments: none}}, {:request, %{seq: 3}}] = read(bare <> null)
      assert none == %{}
    end

    test "answers of the client" do
      body = ~S({"seq":9,"type":"response","request_seq":4,"success":true,"body":{"a":1}})

      assert read(framed(body)) ==
               [{:response, %{request_seq: 4, success: true, body: %{"a" => 1}}}]
    end

    test "headers in any letters, with others beside, and behind what somebody printed" do
      body = ~S({"seq":1,"type":"request","command":"x"})

      for header <- [
            "content-length:#{byte_size(body)}",
            "Content-Type: application/json\r\nContent-Length:  #{byte_size(body)} ",
            "Compiling 3 files (.ex)\nContent-Length: #{byte_size(body)}"
          ] do
        assert [{:request, %{seq: 1}}] = read(header <> "\r\n\r\n" <> body)
      end
    end

    test "what is wrong is said in its place, to the request where there is one" do
      wrong = [
        "{",
        "[]",
        "1",
        ~S({"type":"event"}),
        ~S({"type":"request","seq":1}),
        ~S({"type":"request","seq":"1","command":"x"}),
        ~S({"type":"request","seq":5,"command":"x","arguments":[1]})
      ]

      for body <- wrong do
        assert [{:refused, to, why}, {:request, %{seq: 7}}] = read(framed(body) <> request(7))
        assert is_binary(why)
        assert to == if(body =~ "[1]", do: %{seq: 5, command: "x"})
      end
    end

    test "a header without a length, with two, or with none that is a number" do
      for header <-
            ["X: 1", "Content-Length: -1", "Content-Length: 0", "Content-Length: x"] ++
              ["Content-Length: 1\r\nContent-Length: 2", "", "Content-Length: 1e3"] do
        assert [{:refused, nil, _why}, {:request, %{seq: 7}}] =
                 read(header <> "\r\n\r\n" <> request(7))
      end
    end

    test "a header without an end is left behind" do
      junk = String.duplicate("x", 10_000)
      {found, state} = fed(junk <> "\n" <> request(7), [100])
      assert {:request, %{seq: 7}} = List.last(found)

      assert Enum.all?(
               Enum.drop(found, -1),
               &match?({:refused, nil, "a header that is too" <> _}, &1)
             )

      assert Protocol.wanted(state) == :line
    end

    test "a body that is too long is dropped as it comes" do
      long = "Content-Length: 1000\r\n\r\n" <> String.duplicate("y", 1_000)
      state = Protocol.new(max_body: 999)
      {[], state} = Protocol.feed(state, binary_part(long, 0, 900))
      assert :erts_debug.flat_size(state) < 100
      assert Protocol.wanted(state) == 1_000 - (900 - 24)
      rest = binary_part(long, 900, byte_size(long) - 900)

      assert {[{:refused, nil, why}, {:request, %{seq: 7}}], _state} =
               Protocol.feed(state, rest <> request(7))

      assert why == "a message of 1000 bytes: longer than any that is read"
    end
  end

  describe "any bytes" do
    defp message do
      arguments = map(list(tuple([text(), integer()])), &Map.new/1)
      tuple([integer(1..1_000_000), text(), arguments])
    end

    defp text, do: map(list(integer(0x20..0x2FF)), &List.to_string/1)

    # A hundred messages of a hundred words say no more than ten of ten.
    defp small(generator), do: &generator.(min(&1, 10), &2)

    test "cut anywhere are the same messages" do
      property(small(tuple([list(message()), list(integer(1..40))])), fn {messages, sizes} ->
        stream = Enum.map_join(messages, fn {seq, name, args} -> request(seq, name, args) end)
        {found, state} = fed(stream, sizes)

        assert found ==
                 for(
                   {seq, name, args} <- messages,
                   do: {:request, %{seq: seq, command: name, arguments: args}}
                 )

        assert state == Protocol.new()
      end)
    end

    test "changed anywhere end nothing and are kept within the bounds" do
      change = tuple([integer(0..100_000), integer(0..255)])
      bounds = [max_header: 64, max_body: 500]

      property(
        small(tuple([list(message()), list(change), list(integer(1..40))])),
        [runs: 300],
        fn
          {messages, changes, sizes} ->
            stream = Enum.map_join(messages, fn {seq, name, args} -> request(seq, name, args) end)

            {found, state} =
              fed(Enum.reduce(changes, stream, &changed/2), sizes, Protocol.new(bounds))

            assert Enum.all?(found, &(elem(&1, 0) in [:request, :response, :refused]))
            assert IO.iodata_length(Enum.reverse(List.wrap(state.kept))) <= 500
        end
      )
    end

    defp changed(_change, ""), do: ""

    defp changed({at, byte}, stream) do
      at = rem(at, byte_size(stream))
      behind = binary_part(stream, at + 1, byte_size(stream) - at - 1)
      <<binary_part(stream, 0, at)::binary, byte, behind::binary>>
    end

    test "that are no protocol at all, too" do
      property(
        small(tuple([map(list(binary()), &IO.iodata_to_binary/1), list(integer(1..40))])),
        fn
          {bytes, sizes} ->
            {found, _state} = fed(bytes, sizes)
            assert Enum.all?(found, &match?({:refused, _to, _why}, &1))
        end
      )
    end
  end

  describe "writing" do
    defp body(iodata) do
      ["Content-Length: " <> length, body] =
        iodata |> bytes() |> String.split("\r\n\r\n", parts: 2)

      assert byte_size(body) == String.to_integer(length)
      {:ok, message} = Json.decode(body)
      message
    end

    test "answers and events, by bytes and not by characters" do
      request = %{seq: 4, command: "threads"}

      assert body(Protocol.response(9, request, {:ok, %{name: "日本"}})) ==
               %{"seq" => 9, "type" => "response", "request_seq" => 4, "success" => true}
               |> Map.merge(%{"command" => "threads", "body" => %{"name" => "日本"}})

      assert %{"success" => false, "message" => "no {x}", "body" => %{"error" => error}} =
               body(Protocol.response(9, request, {:error, "no {x}"}))

      assert error["format"] == "no {x}"

      assert body(Protocol.event(1, "initialized", %{})) ==
               %{"seq" => 1, "type" => "event", "event" => "initialized"}
    end
  end
end
