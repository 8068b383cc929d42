defmodule ElixirScope.Distributed.Certificates do
  @moduledoc false
  # A certificate authority of the test's own, and what a node needs to speak TLS with certificates
  # that it signed: the file that `-ssl_dist_optfile` names.

  # Where there is no crypto library, nobody is asked for one.
  @compile {:no_warn_undefined, :public_key}

  @name {2, 5, 29, 17}
  @key {:namedCurve, :secp256r1}

  @doc "Whether this Erlang can do it."
  @spec there?() :: boolean
  def there? do
    Enum.all?([:crypto, :public_key, :ssl], &(Code.ensure_loaded(&1) == {:module, &1})) and
      match?({:ok, _started}, Application.ensure_all_started(:ssl))
  end

  @doc "The option file of a node that only speaks with those whose certificates have the same origin."
  @spec optfile(Path.t()) :: Path.t()
  def optfile(folder) do
    files = write(folder, generate())

    common = [
      cacertfile: files.ca,
      certfile: files.cert,
      keyfile: files.key,
      verify: :verify_peer
    ]

    options = [server: [fail_if_no_peer_cert: true] ++ common, client: common]
    path = Path.join(folder, "dist.conf")
    File.write!(path, :io_lib.format("~p.~n", [options]))
    path
  end

  # A node is a server to whoever connects to it, and a client to whom it connects to: both trust
  # the root that signed its own.
  defp generate do
    here = {:Extension, @name, false, [dNSName: ~c"127.0.0.1", iPAddress: <<127, 0, 0, 1>>]}
    root = :public_key.pkix_test_root_cert(~c"scope test", key: @key)
    chain = %{root: root, intermediates: [], peer: [key: @key, extensions: [here]]}

    %{server_config: made} =
      :public_key.pkix_test_data(%{server_chain: chain, client_chain: chain})

    made
  end

  defp write(folder, made) do
    {type, key} = made[:key]

    %{
      ca:
        pem(folder, "ca.pem", for(der <- made[:cacerts], do: {:Certificate, der, :not_encrypted})),
      cert: pem(folder, "node.pem", [{:Certificate, made[:cert], :not_encrypted}]),
      key: pem(folder, "node.key", [{type, key, :not_encrypted}])
    }
  end

  defp pem(folder, name, entries) do
    path = Path.join(folder, name)
    File.write!(path, :public_key.pem_encode(entries))
    to_charlist(path)
  end
end
