defprotocol Programs.Shape do
  def area(shape)
end

defmodule Programs.Square do
  defstruct [:side]

  defimpl Programs.Shape do
    def area(%{side: side}) do
      area = side * side
      area
    end
  end
end

defmodule Programs.Shapes do
  alias Programs.{Shape, Square}

  def run do
    square = %Square{side: 3}
    area = Shape.area(square)
    {:area, area}
  end
end
