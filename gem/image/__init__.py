"""ECGs as pictures: paper and layouts, the renderer, photographs and scans of it, and labels that follow every warp.

```python
from gem.image.draw import draw
from gem.image.layout import layout_page, parse_layout
from gem.image.paper import Paper

drawn = draw(recording, layout_page(Paper(), parse_layout("3x4+1")))  # drawn.image is [1700, 2200, 3] uint8
```
"""
