"""torchvision.models.detection: refused; what detectors are made of is in `torchvision.ops`."""

from rushlight.absent import refused

_WHY = "torchvision.ops has the boxes, poolers and pyramids of which detectors are made, but no whole detectors"
FasterRCNN = fasterrcnn_resnet50_fpn = fasterrcnn_resnet50_fpn_v2 = refused(
    "detection.FasterRCNN", _WHY, __name__
)
fasterrcnn_mobilenet_v3_large_fpn = fasterrcnn_mobilenet_v3_large_320_fpn = FasterRCNN
MaskRCNN = maskrcnn_resnet50_fpn = maskrcnn_resnet50_fpn_v2 = refused(
    "detection.MaskRCNN", _WHY, __name__
)
KeypointRCNN = keypointrcnn_resnet50_fpn = refused("detection.KeypointRCNN", _WHY, __name__)
RetinaNet = retinanet_resnet50_fpn = retinanet_resnet50_fpn_v2 = refused(
    "detection.RetinaNet", _WHY, __name__
)
SSD = ssd300_vgg16 = ssdlite320_mobilenet_v3_large = refused("detection.SSD", _WHY, __name__)
FCOS = fcos_resnet50_fpn = refused("detection.FCOS", _WHY, __name__)
