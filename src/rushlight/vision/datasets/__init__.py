"""Datasets of images, read from files or downloaded."""

# ---- names: begin ----
# Written by tools/write_names.py from tools/names.txt: change those.
# fmt: off
from rushlight.vision.datasets import idx, utils
from rushlight.vision.datasets.cifar import CIFAR10, CIFAR100
from rushlight.vision.datasets.fakedata import FakeData
from rushlight.vision.datasets.folder import DatasetFolder, ImageFolder
from rushlight.vision.datasets.mnist import FashionMNIST, KMNIST, MNIST
from rushlight.vision.datasets.others import (
    CLEVRClassification, CREStereo, Caltech101, Caltech256, CarlaStereo, CelebA, Cityscapes,
    CocoCaptions, CocoDetection, Country211, DTD, EMNIST, ETH3DStereo, EuroSAT, FER2013,
    FGVCAircraft, FallingThingsStereo, Flickr30k, Flickr8k, Flowers102, FlyingChairs,
    FlyingThings3D, Food101, GTSRB, HD1K, HMDB51, INaturalist, ImageNet, Imagenette, InStereo2k,
    Kinetics, Kitti, Kitti2012Stereo, Kitti2015Stereo, KittiFlow, LFWPairs, LFWPeople, LSUN,
    LSUNClass, Middlebury2014Stereo, MovingMNIST, Omniglot, OxfordIIITPet, PCAM, PhotoTour,
    Places365, QMNIST, RenderedSST2, SBDataset, SBU, SEMEION, SUN397, SVHN, SceneFlowStereo, Sintel,
    SintelStereo, StanfordCars, UCF101, USPS, VOCDetection, VOCSegmentation, WIDERFace,
)
from rushlight.vision.datasets.stl10 import STL10
from rushlight.vision.datasets.vision import VisionDataset

__all__ = [
    "CIFAR10", "CIFAR100", "DTD", "EMNIST", "FER2013", "GTSRB", "HD1K", "HMDB51", "KMNIST", "LSUN",
    "MNIST", "PCAM", "QMNIST", "SBU", "SEMEION", "STL10", "SUN397", "SVHN", "UCF101", "USPS",
    "CLEVRClassification", "CREStereo", "Caltech101", "Caltech256", "CarlaStereo", "CelebA",
    "Cityscapes", "CocoCaptions", "CocoDetection", "Country211", "DatasetFolder", "ETH3DStereo",
    "EuroSAT", "FGVCAircraft", "FakeData", "FallingThingsStereo", "FashionMNIST", "Flickr8k",
    "Flickr30k", "Flowers102", "FlyingChairs", "FlyingThings3D", "Food101", "INaturalist",
    "ImageFolder", "ImageNet", "Imagenette", "InStereo2k", "Kinetics", "Kitti", "Kitti2012Stereo",
    "Kitti2015Stereo", "KittiFlow", "LFWPairs", "LFWPeople", "LSUNClass", "Middlebury2014Stereo",
    "MovingMNIST", "Omniglot", "OxfordIIITPet", "PhotoTour", "Places365", "RenderedSST2",
    "SBDataset", "SceneFlowStereo", "Sintel", "SintelStereo", "StanfordCars", "VOCDetection",
    "VOCSegmentation", "VisionDataset", "WIDERFace", "idx", "utils",
]
# fmt: on
# ---- names: end ----
